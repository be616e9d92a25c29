/** Expressions and predicates of a row as SQL: a value is a pair, and a predicate is 0 or 1 (see to-sql.ts). */
import type { Path, Value } from '../../src/base/values.ts'
import type { Condition, Expression, JoinPair, Predicate, QueryData } from '../../src/query/query-data.ts'

/** The fields of the rows that a piece of SQL gives, by their paths. */
export interface Block {
  readonly sql: string
  readonly columns: readonly Path[]
}

/** The fields of stored records. */
export type Tables = ReadonlyMap<string, readonly Path[]>

/** Where an expression finds its values: the columns of an alias. */
export interface Scope {
  readonly alias: string
  readonly columns: readonly Path[]
  readonly outer: Scope | undefined
  readonly tables: Tables
  /** An alias that no other has. */
  fresh(): string
  /** The SQL of a query within; `outer` is the row that its `outer` expressions speak of. */
  block(data: QueryData, outer: Scope | undefined): Block
}

/** A value and whether it is there, both as SQL. */
export interface Term {
  readonly value: string
  readonly there: string
}

export const MISSING: Term = { value: 'NULL', there: '0' }
const COMPARISONS = { eq: '=', ne: '<>', lt: '<', lte: '<=', gt: '>', gte: '>=' } as const

/** The names of the two columns of a field. */
export function columnNames(path: Path): readonly [string, string] {
  const name = path.join('.')
  return [quoted(name), quoted(`${name}?`)]
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function pairsSql(on: readonly JoinPair[], left: Scope, right: Scope): string {
  const pairs = on.map((pair) => `COALESCE(${termOf(pair.left, left).value} = ${termOf(pair.right, right).value}, 0)`)
  return pairs.length === 0 ? '1' : pairs.join(' AND ')
}

export function pathOf(path: Path): Expression {
  return { kind: 'path', path }
}

export function termOf(expression: Expression, scope: Scope): Term {
  switch (expression.kind) {
    case 'path': {
      const text = expression.path.join('.')
      if (!scope.columns.some((path) => path.join('.') === text)) return MISSING
      const [value, there] = columnNames(expression.path)
      return { value: `${scope.alias}.${value}`, there: `COALESCE(${scope.alias}.${there}, 0)` }
    }
    case 'outer':
      return termOf(pathOf(expression.path), scope.outer!)
    case 'literal':
      return { value: literal(expression.value), there: '1' }
    case 'case': {
      const chosen = (part: keyof Term): string => {
        const branches = expression.branches.map(
          ({ when, value }) => `WHEN ${predicateSql(when, scope)} THEN ${termOf(value, scope)[part]}`,
        )
        return `CASE ${branches.join(' ')} ELSE ${termOf(expression.otherwise, scope)[part]} END`
      }
      return { value: chosen('value'), there: chosen('there') }
    }
    case 'call':
      return { value: callSql(expression, scope), there: '1' }
    case 'bin':
      throw new Error('bins are not translated')
  }
}

function callSql({ fn, args }: Extract<Expression, { kind: 'call' }>, scope: Scope): string {
  const values = args.map((argument) => termOf(argument, scope).value)
  switch (fn) {
    case 'add':
      return `(${values.join(' + ')})`
    case 'subtract':
      return `(${values.join(' - ')})`
    case 'multiply':
      return `(${values.join(' * ')})`
    case 'divide':
      return `(${values.join(' / ')})`
    case 'modulo':
      return `mod(${values.join(', ')})`
    case 'negate':
      return `(-${values[0]})`
    case 'round':
      return `floor(${values[0]} + 0.5)`
    case 'abs':
    case 'floor':
    case 'ceil':
    case 'trim':
    case 'length':
      return `${fn}(${values[0]})`
    case 'concat':
      return `(${values.map((value) => `CASE WHEN typeof(${value}) = 'real' THEN CAST(${value} AS INTEGER) ELSE ${value} END`).join(' || ')})`
    case 'coalesce':
      return `COALESCE(${[...values, 'NULL'].join(', ')})`
    default:
      throw new Error(`${fn} is not translated`)
  }
}

export function literal(value: Value): string {
  if (value === null) return 'NULL'
  if (typeof value === 'boolean') return value ? '1.0' : '0.0'
  if (value instanceof Date) return literal(value.getTime())
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`
  if (typeof value !== 'number') throw new Error(`${String(value)} is not translated`)
  return `(${Number.isInteger(value) ? value.toFixed(1) : value})`
}

export function predicateSql(predicate: Predicate, scope: Scope): string {
  switch (predicate.kind) {
    case 'field':
      return conditionSql(predicate.test, termOf(pathOf(predicate.path), scope))
    case 'and':
      return `(${['1', ...predicate.of.map((one) => predicateSql(one, scope))].join(' AND ')})`
    case 'or':
      return `(${['0', ...predicate.of.map((one) => predicateSql(one, scope))].join(' OR ')})`
    case 'not':
      return `(NOT ${predicateSql(predicate.of, scope)})`
    case 'compare': {
      const left = termOf(predicate.left, scope)
      const right = termOf(predicate.right, scope)
      if (predicate.op === 'eq') return equalSql(left, right)
      if (predicate.op === 'ne') return `(NOT ${equalSql(left, right)})`
      return `COALESCE(${left.value} ${COMPARISONS[predicate.op]} ${right.value}, 0)`
    }
    case 'inQuery': {
      const { sql, columns } = scope.block(predicate.query, scope.outer)
      const inner: Scope = { ...scope, alias: scope.fresh(), columns }
      const field = termOf(pathOf(columns[0]!), inner)
      return `EXISTS (SELECT 1 FROM (${sql}) ${inner.alias} WHERE ${equalSql(field, termOf(predicate.value, scope))})`
    }
    case 'exists': {
      const { sql, columns } = scope.block(predicate.query, scope)
      const inner: Scope = { ...scope, alias: scope.fresh(), columns, outer: scope }
      return `EXISTS (SELECT 1 FROM (${sql}) ${inner.alias} WHERE ${pairsSql(predicate.on, scope, inner)})`
    }
  }
}

/** Both there, and equal: null equals null. */
function equalSql(left: Term, right: Term): string {
  return `(${left.there} AND ${right.there} AND ${left.value} IS ${right.value})`
}

function conditionSql(test: Condition, term: Term): string {
  const { value, there } = term
  const equal = (operand: Value): string => equalSql(term, { value: literal(operand), there: '1' })
  switch (test.op) {
    case 'eq':
      return equal(test.operand)
    case 'ne':
      return `(NOT ${equal(test.operand)})`
    case 'in':
      return `(${['0', ...test.operand.map(equal)].join(' OR ')})`
    case 'notIn':
      return `(NOT (${['0', ...test.operand.map(equal)].join(' OR ')}))`
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return `COALESCE(${value} ${COMPARISONS[test.op]} ${literal(test.operand)}, 0)`
    case 'between':
      return `COALESCE(${value} BETWEEN ${literal(test.operand[0])} AND ${literal(test.operand[1])}, 0)`
    case 'exists':
      return `(${there} = ${Number(test.operand)})`
    case 'isNull':
      return `((${value} IS NULL) = ${Number(test.operand)})`
    case 'startsWith':
      return `COALESCE(substr(${value}, 1, ${[...test.operand].length}) = ${literal(test.operand)}, 0)`
    case 'contains':
      return `COALESCE(instr(${value}, ${literal(test.operand)}) > 0, 0)`
    case 'like':
      return `COALESCE(${value} LIKE ${literal(test.operand)} ESCAPE '\\', 0)`
    default:
      throw new Error(`${test.op} is not translated`)
  }
}
