/** Values of every kind that a record may hold. */
import fc from 'fast-check'
import type { Value } from '../../base/values.ts'
import { assertKnown } from '../../engine/known-options.ts'
import { assertBoolean, assertOptions } from '../arguments.ts'
import { bigint, bytes, date, name, number, text, vector } from './scalars.ts'

export interface ValueOptions {
  /** Vectors too, which have no place in an index; true by default. */
  readonly vectors?: boolean
  /** Levels of arrays and objects; 4 by default. */
  readonly maxDepth?: number
  /** Elements of an array, fields of an object; 5 by default. */
  readonly maxLength?: number
  /** UTF-16 units of a string; 700 by default. */
  readonly maxTextLength?: number
}

const CHECKS = { vectors: assertBoolean, maxDepth: 0, maxLength: 0, maxTextLength: 0 } as const

/**
 * Any value that can be stored: the scalars of every kind, arrays, objects with awkward names. Shrinks to null.
 * @example
 * fc.assert(fc.property(arbitraries.value(), (value) => isDeepStrictEqual(decode(encode({ id: 1, value })).value, value)))
 */
export function value(options: ValueOptions = {}): fc.Arbitrary<Value> {
  assertKnown('arbitraries.value()', options, Object.keys(CHECKS))
  assertOptions(options, CHECKS)
  const maxLength = options.maxLength ?? 5
  const texts = { maxLength: options.maxTextLength ?? 700 }
  const scalars: fc.Arbitrary<Value>[] = [
    fc.constant(null),
    ...[fc.boolean(), number(), bigint(), text(texts), date(), bytes()],
  ]
  if (options.vectors !== false) scalars.push(vector())
  return fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { maxDepth: options.maxDepth ?? 4, depthSize: 'small', withCrossShrink: true },
      ...scalars,
      fc.array(tie('value'), { maxLength, size: 'max' }) as fc.Arbitrary<Value>,
      objectOf(tie('value'), { maxLength, names: name(texts) }),
    ),
  })).value
}

/** Plain objects; of two fields of one name the later one counts. */
export function objectOf(
  of: fc.Arbitrary<Value>,
  { maxLength, names }: { readonly maxLength: number; readonly names: fc.Arbitrary<string> },
): fc.Arbitrary<{ [name: string]: Value }> {
  return fc.array(fc.tuple(names, of), { maxLength, size: 'max' }).map((pairs) => Object.fromEntries(pairs))
}

/**
 * Values that have a place in the total order, small enough for an index key: what to give as an index key, an operand
 * or a cursor. Arrays and objects are among them, vectors are not.
 */
export function key(): fc.Arbitrary<Value> {
  return value({ vectors: false, maxDepth: 2, maxLength: 3, maxTextLength: 40 })
}
