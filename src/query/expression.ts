/** From expressions to functions of a row. */
import type { Path, StoredRecord, Value } from '../base/values.ts'
import { describe, invalidQuery } from './capture.ts'
import { compileBin } from './date-bin.ts'
import { compileGetter } from './getter.ts'
import { expressionText } from './predicate-text.ts'
import type { Expression, Predicate } from './query-data.ts'
import { nameOfRow } from './row-fields.ts'
import { scalarFunction, scalarText, WrongType } from './scalar-functions.ts'

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
    case 'bin':
      return binFunction(expression, expressionFunction(expression.of, surroundings, predicateFunction))
    case 'call':
      return callFunction(
        expression,
        expression.args.map((arg) => expressionFunction(arg, surroundings, predicateFunction)),
      )
  }
}

function binFunction(expression: Extract<Expression, { kind: 'bin' }>, of: RowValue): RowValue {
  const startOf = compileBin(expression.unit, expression.step, expression.timeZone)
  return (row) => {
    const value = of(row)
    if (value === undefined || value === null) return null
    if (value instanceof Date) return new Date(startOf(value.getTime()))
    throw wrongType(expression, row, 'dates', value)
  }
}

function callFunction(expression: Extract<Expression, { kind: 'call' }>, args: readonly RowValue[]): RowValue {
  const { fn } = expression
  if (fn === 'coalesce') return (row) => firstOf(args, row)
  if (fn === 'concat') return (row) => textOfAll(expression, args, row)
  const apply = scalarFunction(fn)
  const [first, second = first] = args
  return (row) => {
    const a = first!(row)
    const b = second!(row)
    if (a === undefined || a === null || b === undefined || b === null) return null
    const made = apply(a, b)
    if (made instanceof WrongType) throw wrongType(expression, row, made.expected, ...(second === first ? [a] : [a, b]))
    return made
  }
}

function firstOf(args: readonly RowValue[], row: StoredRecord): Value {
  for (const arg of args) {
    const value = arg(row)
    if (value !== undefined && value !== null) return value
  }
  return null
}

function textOfAll(expression: Expression, args: readonly RowValue[], row: StoredRecord): Value {
  let text = ''
  for (const arg of args) {
    const value = arg(row)
    if (value === undefined || value === null) return null
    const part = scalarText(value)
    if (part instanceof WrongType) throw wrongType(expression, row, part.expected, value)
    text += part
  }
  return text
}

function wrongType(expression: Expression, row: StoredRecord, expected: string, ...found: readonly Value[]): Error {
  const text = expressionText(expression)
  const what = found.map(describe).join(' and ')
  return invalidQuery(text, `it takes ${expected}, and ${nameOfRow(row)} has ${what} there`)
}
