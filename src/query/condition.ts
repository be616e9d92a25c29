/** From the operators a user writes to conditions: the one place that says which operand each operator takes. */

import { captureValue, describe, invalidQuery, isPlainObject } from './capture.ts'
import { captureBox, captureCircle } from './capture-place.ts'
import { parseLike } from './like.ts'
import { type Condition, type ConditionOp, MAX_PREDICATE_DEPTH } from './query-data.ts'
import { compileRegex } from './regex.ts'

const OPERATORS: ReadonlySet<string> = new Set<ConditionOp>([
  'eq',
  'ne',
  'in',
  'notIn',
  'lt',
  'lte',
  'gt',
  'gte',
  'between',
  'exists',
  'isNull',
  'startsWith',
  'contains',
  'like',
  'ilike',
  'regex',
  'any',
  'all',
  'none',
  'near',
  'inBox',
])

/** The conditions that a field's entry in a filter states: operators, or a bare value that it must equal. */
export function parseConditions(entry: unknown, at: string, depth = 0): readonly Condition[] {
  if (!isPlainObject(entry)) return [freeze({ op: 'eq', operand: captureValue(entry, at) })]
  const names = Object.keys(entry)
  const stranger = names.find((name) => !OPERATORS.has(name))
  if (names.length === 0) throw invalidQuery(at, 'an empty object is no condition; to compare with it write { eq: {} }')
  if (stranger !== undefined) {
    const advice = `to compare with an object write { eq: {…} }, for a field in it the path '${at}.${stranger}'`
    throw invalidQuery(at, `'${stranger}' is not an operator; ${advice}`)
  }
  return names.map((name) => parseCondition(name as ConditionOp, entry[name], `${at}.${name}`, depth))
}

/** One operator with its operand. */
export function parseCondition(op: ConditionOp, operand: unknown, at: string, depth = 0): Condition {
  if (operand === undefined) {
    throw invalidQuery(at, 'undefined is not a value; leave the condition out, or ask with isNull or exists')
  }
  switch (op) {
    case 'eq':
    case 'ne':
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return freeze({ op, operand: captureValue(operand, at) })
    case 'in':
    case 'notIn':
      if (!Array.isArray(operand)) throw expected(at, 'a list', operand)
      return freeze({
        op,
        operand: Object.freeze(operand.map((item: unknown, i) => captureValue(item, `${at}[${i}]`))),
      })
    case 'between':
      return freeze({ op, operand: capturePair(operand, at) })
    case 'exists':
    case 'isNull':
      if (typeof operand !== 'boolean') throw expected(at, 'true or false', operand)
      return freeze({ op, operand })
    case 'startsWith':
    case 'contains':
      if (typeof operand !== 'string') throw expected(at, 'a string', operand)
      return freeze({ op, operand })
    case 'like':
    case 'ilike':
      if (typeof operand !== 'string') throw expected(at, 'a string', operand)
      if (parseLike(operand, (text) => text) === undefined)
        throw invalidQuery(at, 'a pattern cannot end in a lone backslash')
      return freeze({ op, operand })
    case 'regex':
      return freeze({ op, operand: captureRegex(operand, at) })
    case 'any':
    case 'all':
    case 'none':
      if (depth >= MAX_PREDICATE_DEPTH) throw invalidQuery(at, `conditions nested deeper than ${MAX_PREDICATE_DEPTH}`)
      return freeze({ op, operand: Object.freeze(parseConditions(operand, at, depth + 1)) })
    case 'near':
      return freeze({ op, operand: captureCircle(operand, at) })
    case 'inBox':
      return freeze({ op, operand: captureBox(operand, at) })
  }
}

/** True for the name of an operator. */
export function isOperator(name: unknown): name is ConditionOp {
  return typeof name === 'string' && OPERATORS.has(name)
}

function capturePair(operand: unknown, at: string): Extract<Condition, { op: 'between' }>['operand'] {
  if (!Array.isArray(operand) || operand.length !== 2) throw expected(at, 'a pair [low, high]', operand)
  return Object.freeze([captureValue(operand[0], `${at}[0]`), captureValue(operand[1], `${at}[1]`)] as const)
}

function captureRegex(operand: unknown, at: string): Extract<Condition, { op: 'regex' }>['operand'] {
  let regex: { readonly source: unknown; readonly flags: unknown }
  if (typeof operand === 'string') regex = { source: operand, flags: '' }
  else if (operand instanceof RegExp) regex = { source: operand.source, flags: operand.flags }
  else if (isPlainObject(operand)) regex = { source: operand['source'], flags: operand['flags'] ?? '' }
  else throw expected(at, 'a RegExp or its source', operand)
  const { source, flags } = regex
  if (typeof source !== 'string' || typeof flags !== 'string') throw expected(at, 'a RegExp or its source', operand)
  compileRegex(source, flags, at)
  return Object.freeze({ source, flags })
}

function expected(at: string, what: string, found: unknown): Error {
  return invalidQuery(at, `expected ${what}, found ${describe(found)}`)
}

function freeze(condition: Condition): Condition {
  return Object.freeze(condition)
}
