/** Predicates and orders as people read them: for explain, slow-query reports and conflict messages. */
import { toHex } from '../base/bytes.ts'
import { formatPath } from '../base/path.ts'
import type { Value } from '../base/values.ts'
import type { Condition, Expression, JoinPair, OrderKey, Predicate } from './query-data.ts'

/** Longer operands are cut: the text is for a screen. */
const MAX_OPERAND_LENGTH = 60
const MAX_ITEMS = 5

const SIGNS: Partial<Record<Condition['op'], string>> = {
  eq: '=',
  ne: '!=',
  lt: '<',
  lte: '<=',
  gt: '>',
  gte: '>=',
}

export function predicateText(predicate: Predicate): string {
  switch (predicate.kind) {
    case 'field':
      return `${formatPath(predicate.path)} ${conditionText(predicate.test)}`
    case 'not':
      return `not (${predicateText(predicate.of)})`
    case 'and':
      return predicate.of.length === 0 ? 'every record' : predicate.of.map(partText).join(' and ')
    case 'or':
      return predicate.of.length === 0 ? 'no record' : predicate.of.map(partText).join(' or ')
    case 'compare':
      return `${expressionText(predicate.left)} ${SIGNS[predicate.op] ?? predicate.op} ${expressionText(predicate.right)}`
    case 'inQuery':
      return `${expressionText(predicate.value)} in (rows of ${predicate.query.collection})`
    case 'exists':
      return `exists in ${predicate.query.collection}${predicate.on.length === 0 ? '' : ` with ${pairsText(predicate.on)}`}`
  }
}

export function pairsText(on: readonly JoinPair[]): string {
  return on.map(({ left, right }) => `${expressionText(left)} = ${expressionText(right)}`).join(' and ')
}

export function expressionText(expression: Expression): string {
  switch (expression.kind) {
    case 'path':
      return formatPath(expression.path)
    case 'outer':
      return `outer ${formatPath(expression.path)}`
    case 'literal':
      return valueText(expression.value)
    case 'call':
      return `${expression.fn}(${expression.args.map(expressionText).join(', ')})`
    case 'case': {
      const branches = expression.branches.map(
        ({ when, value }) => `when ${predicateText(when)} then ${expressionText(value)}`,
      )
      return `case ${branches.join(' ')} else ${expressionText(expression.otherwise)}`
    }
    case 'bin': {
      const zone = expression.timeZone === 'UTC' ? '' : ` in ${expression.timeZone}`
      return `bin(${expressionText(expression.of)}, ${expression.step} ${expression.unit}${zone})`
    }
  }
}

export function orderText(orderBy: readonly OrderKey[]): string {
  return orderBy
    .map((key) => {
      const nulls = key.nulls === undefined ? '' : ` nulls ${key.nulls}`
      return `${formatPath(key.path)}${key.nocase ? ' nocase' : ''}${key.descending ? ' desc' : ''}${nulls}`
    })
    .join(', ')
}

function partText(predicate: Predicate): string {
  const isGroup = (predicate.kind === 'and' || predicate.kind === 'or') && predicate.of.length > 1
  return isGroup ? `(${predicateText(predicate)})` : predicateText(predicate)
}

function conditionText(condition: Condition): string {
  switch (condition.op) {
    case 'any':
    case 'all':
    case 'none':
      return `${condition.op} (${condition.operand.map(conditionText).join(' and ')})`
    case 'regex':
      return `regex /${condition.operand.source}/${condition.operand.flags}`
    default:
      return `${SIGNS[condition.op] ?? condition.op} ${valueText(condition.operand as Value)}`
  }
}

function valueText(value: Value): string {
  const text = fullText(value)
  return text.length > MAX_OPERAND_LENGTH ? `${text.slice(0, MAX_OPERAND_LENGTH)}…` : text
}

function fullText(value: Value | undefined): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  if (Object.is(value, -0)) return '-0'
  if (typeof value !== 'object' || value === null) return String(value)
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return `0x${toHex(value.subarray(0, MAX_OPERAND_LENGTH))}`
  if (ArrayBuffer.isView(value)) return `vector(${(value as Float32Array | Float64Array).length})`
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map(fullText)
    return `[${items.join(', ')}${value.length > MAX_ITEMS ? `, … ${value.length - MAX_ITEMS} more` : ''}]`
  }
  const entries = Object.entries(value).slice(0, MAX_ITEMS)
  return `{${entries.map(([name, item]) => `${name}: ${fullText(item)}`).join(', ')}}`
}
