import type { Path } from '../base/values.ts'
import { compileRunning } from './aggregates.ts'
import type { CompiledWindow } from './operators/window-field.ts'
import { compileExpression } from './predicate.ts'
import { expressionText } from './predicate-text.ts'
import { BY_ID, type WindowField } from './query-data.ts'
import { compileOrder } from './row-order.ts'
import { compileKey } from './value-key.ts'

/** A field of a window, ready to be worked out; `identity` decides ties of its order. */
export function compileWindow(field: WindowField, identity: readonly Path[]): CompiledWindow {
  const { name, fn, of, distance, fallback, partitionBy, orderBy } = field
  const descending = orderBy.at(-1)?.descending === true
  return {
    name,
    fn,
    of: of && compileExpression(of),
    distance,
    fallback,
    isOrdered: orderBy.length > 0,
    makeRunning: compileRunning(fn, of),
    arrangement: {
      keyOf: compileKey(partitionBy.map((part) => compileExpression(part))),
      order: compileOrder(orderBy),
      wholeOrder: compileOrder([...orderBy, ...identity.map((path) => ({ ...BY_ID, path, descending }))]),
    },
    sharedBy: JSON.stringify([partitionBy.map(expressionText), orderBy]),
  }
}
