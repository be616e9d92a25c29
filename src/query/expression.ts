/** From expressions to functions of a row. */
import type { Path, StoredRecord, Value } from '../base/values.ts'
import { invalidQuery } from './capture.ts'
import { compileGetter } from './getter.ts'
import type { Expression, Predicate } from './query-data.ts'

/** What a row's predicates and expressions ask beyond the row. */
export interface Surroundings {
  /** The test of a predicate that asks other rows. */
  subquery(predicate: Extract<Predicate, { kind: 'inQuery' | 'exists' }>): RecordTest
  /** The value of the row outside, in the query of an `exists`; known when the function is made. */
  outer(path: Path): Value | undefined
}

export type RecordTest = (record: StoredRecord) => boolean
export type RowValue = (row: StoredRecord) => Value | undefined

/** The function of an expression; `predicateFunction` makes those of the conditions in it. */
export function expressionFunction(
  expression: Expression,
  surroundings: Surroundings | undefined,
  predicateFunction: (predicate: Predicate, surroundings?: Surroundings) => RecordTest,
): RowValue {
  switch (expression.kind) {
    case 'path':
      return compileGetter(expression.path)
    case 'literal': {
      const { value } = expression
      return () => value
    }
    case 'outer': {
      if (surroundings === undefined) throw invalidQuery('', 'outer is for the query of an exists')
      const value = surroundings.outer(expression.path)
      return () => value
    }
    case 'case': {
      const tests = expression.branches.map(({ when }) => predicateFunction(when, surroundings))
      const values = [...expression.branches.map(({ value }) => value), expression.otherwise].map((value) =>
        expressionFunction(value, surroundings, predicateFunction),
      )
      return (row) => {
        const at = tests.findIndex((test) => test(row))
        return values[at < 0 ? tests.length : at]!(row)
      }
    }
    default:
      throw invalidQuery('', `${expression.kind} is not built yet`)
  }
}
