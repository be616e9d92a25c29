/**
 * The data of a query as SQL, for SQLite to be a second judge of what queries mean.
 *
 *   a field       two columns: "status" its value, "status?" 1 where it is there and 0 where it is missing, which SQL
 *                 does not have; the value is NULL then too. `owner.team` is the column "owner.team"
 *   a block       subqueries in each other, one for each clause, in the order of evaluation that query-data.ts has
 *   a predicate   never NULL: COALESCE(…, 0) around each comparison, so that NOT is the exact complement
 *   an order      missing, then null, then values: ORDER BY "a?" + ("a" IS NOT NULL), "a"; ties by the rows' identity
 *   an outer row  its alias: subqueries of SQLite see it at any depth
 *
 * Where SQL means something else: the sum of nothing is NULL there, 0 here (COALESCE); frames go by ROWS, for RANGE would
 * take ties together; % is of integers (mod is not); text of 1.0 is '1.0'. Numbers are all bound as REAL, booleans are
 * 0 and 1, dates milliseconds; values of different types never meet, for there 1 = true and 2 < 'a'. Left out: bigints,
 * regex and ilike, folding, arrays, places, vectors, bins, first, last and array, and the order of whole rows: a row
 * without an identity of its own is ordered by all of its fields. LIKE must be case-sensitive (PRAGMA).
 */
import type { Path } from '../../src/base/values.ts'
import {
  type Aggregate,
  BY_ID,
  type JoinClause,
  type OrderKey,
  type Predicate,
  type QueryData,
  type WindowField,
} from '../../src/query/query-data.ts'
import { identityOf } from '../../src/query/row-identity.ts'
import {
  type Block,
  columnNames,
  literal,
  MISSING,
  pairsSql,
  pathOf,
  predicateSql,
  quoted,
  type Scope,
  type Tables,
  type Term,
  termOf,
} from './sql-terms.ts'

/** The SQL of a query, in its order where it has one. */
export function toSql(data: QueryData, tables: Tables): Block {
  let aliases = 0
  const fresh = (): string => `t${aliases++}`
  const within: Within = { tables, fresh, block: (inner, outer) => blockSql(inner, within, outer) }
  return blockSql(data, within, undefined)
}

/** What is the same in the whole of a statement. */
type Within = Pick<Scope, 'tables' | 'fresh' | 'block'>

function blockSql(data: QueryData, within: Within, outer: Scope | undefined): Block {
  const { from, joins, computed, where, group, windows, select } = data
  let block: Block = from === undefined ? tableSql(data.collection, within.tables) : blockSql(from, within, outer)
  const scopeOf = (columns: readonly Path[]): Scope => ({ ...within, alias: within.fresh(), columns, outer })
  const filtered = (rows: Block, predicate: Predicate): Block => {
    const scope = scopeOf(rows.columns)
    return { ...rows, sql: `SELECT * FROM (${rows.sql}) ${scope.alias} WHERE ${predicateSql(predicate, scope)}` }
  }
  const extended = (rows: Block, name: string, term: (scope: Scope) => Term): Block => {
    const scope = scopeOf(rows.columns)
    const sql = `SELECT ${scope.alias}.*, ${asColumn(term(scope), [name])} FROM (${rows.sql}) ${scope.alias}`
    return { sql, columns: [...rows.columns, [name]] }
  }
  for (const join of joins) block = joinSql(block, join, scopeOf)
  for (const { name, value } of computed) block = extended(block, name, (scope) => termOf(value, scope))
  if (where !== undefined) block = filtered(block, where)
  const whole: QueryData = { ...data, distinct: false, sets: [] }
  if (group !== undefined) {
    for (const [i, { value }] of group.keys.entries())
      block = extended(block, `key ${i}`, (scope) => termOf(value, scope))
    const scope = scopeOf(block.columns)
    const keys = group.keys.map(({ name }, i) => asColumn(termOf(pathOf([`key ${i}`]), scope), [name]))
    const aggregates = group.aggregates.map((one) =>
      asColumn({ value: aggregateSql(one, scope), there: '1' }, [one.name]),
    )
    const by = group.keys.flatMap((_, i) => columnNames([`key ${i}`]))
    block = {
      sql: `SELECT ${[...keys, ...aggregates].join(', ')} FROM (${block.sql}) ${scope.alias}${by.length > 0 ? ` GROUP BY ${by.join(', ')}` : ''}`,
      columns: [...group.keys, ...group.aggregates].map(({ name }) => [name]),
    }
    if (group.having !== undefined) block = filtered(block, group.having)
  }
  const identity = identityOf(whole)
  if (windows.length > 0) {
    const scope = scopeOf(block.columns)
    const made = windows.map((window) => asColumn(windowTerm(window, identity, scope), [window.name]))
    block = {
      sql: `SELECT ${scope.alias}.*, ${made.join(', ')} FROM (${block.sql}) ${scope.alias}`,
      columns: [...block.columns, ...windows.map(({ name }) => [name])],
    }
  }
  const selected = (rows: Block, scope: Scope): Block =>
    select === undefined
      ? { sql: `SELECT * FROM (${rows.sql}) ${scope.alias}`, columns: rows.columns }
      : {
          sql: `SELECT ${select.map(({ name, path }) => asColumn(termOf(pathOf(path), scope), [name])).join(', ')} FROM (${rows.sql}) ${scope.alias}`,
          columns: select.map(({ name }) => [name]),
        }
  const isSelectedFirst = data.distinct || data.sets.length > 0
  if (isSelectedFirst) block = combinedSql(selected(block, scopeOf(block.columns)), data, within, outer)
  const scope = scopeOf(block.columns)
  const ended = isSelectedFirst
    ? { ...block, sql: `SELECT * FROM (${block.sql}) ${scope.alias}` }
    : selected(block, scope)
  return { ...ended, sql: ended.sql + endSql(data, scope) }
}

function tableSql(collection: string, tables: Tables): Block {
  return { sql: `SELECT * FROM ${quoted(collection)}`, columns: tables.get(collection)! }
}

function asColumn({ value, there }: Term, path: Path): string {
  const [name, thereName] = columnNames(path)
  return `${value} AS ${name}, ${there} AS ${thereName}`
}

function joinSql(left: Block, join: JoinClause, scopeOf: (columns: readonly Path[]) => Scope): Block {
  const one = scopeOf(left.columns)
  const other = one.block(join.other, one.outer)
  const two = scopeOf(other.columns)
  const on = pairsSql(join.on, one, two)
  const from = `(${left.sql}) ${one.alias}`
  if (join.kind === 'semi' || join.kind === 'anti') {
    const isThere = `EXISTS (SELECT 1 FROM (${other.sql}) ${two.alias} WHERE ${on})`
    return { ...left, sql: `SELECT * FROM ${from} WHERE ${join.kind === 'anti' ? 'NOT ' : ''}${isThere}` }
  }
  const columns = [...left.columns, ...other.columns.map((path) => [join.as, ...path])]
  const terms = [
    ...left.columns.map((path) => asColumn(termOf(pathOf(path), one), path)),
    ...other.columns.map((path) => asColumn(termOf(pathOf(path), two), [join.as, ...path])),
  ]
  const kind = join.kind.toUpperCase()
  return { sql: `SELECT ${terms.join(', ')} FROM ${from} ${kind} JOIN (${other.sql}) ${two.alias} ON ${on}`, columns }
}

function combinedSql(rows: Block, data: QueryData, within: Within, outer: Scope | undefined): Block {
  const names = rows.columns.flatMap(columnNames).join(', ')
  let { sql } = rows
  if (data.distinct) sql = `SELECT DISTINCT ${names} FROM (${sql})`
  for (const { kind, other } of data.sets) {
    const word = kind === 'unionAll' ? 'UNION ALL' : kind.toUpperCase()
    sql = `SELECT ${names} FROM (${sql}) ${word} SELECT ${names} FROM (${blockSql(other, within, outer).sql})`
  }
  return { ...rows, sql }
}

/** ORDER BY, LIMIT and OFFSET. */
function endSql(data: QueryData, scope: Scope): string {
  const { limit, offset } = data
  const keys = data.orderBy.length === 0 && offset > 0 ? [BY_ID] : data.orderBy
  const order = keys.length === 0 ? '' : ` ORDER BY ${orderSql(keys, identityOf(data), scope)}`
  return limit === undefined && offset === 0 ? order : `${order} LIMIT ${limit ?? -1} OFFSET ${offset}`
}

/** The keys, and the ties by identity in the direction of the last. */
function orderSql(keys: readonly OrderKey[], identity: readonly Path[], scope: Scope): string {
  const descending = keys.at(-1)?.descending ?? false
  // The identity of rows that are told apart by their value has no column: such rows are ordered by all they have.
  const ties = identity
    .filter((path) => scope.columns.some((column) => column.join('.') === path.join('.')))
    .map((path): OrderKey => ({ path, descending, nocase: false, nulls: undefined }))
  const sql = [...keys, ...ties].map((key) => {
    const { value, there } = termOf(pathOf(key.path), scope)
    const direction = key.descending ? 'DESC' : 'ASC'
    const byRank = `${there} + (${value} IS NOT NULL) ${direction}, ${value} ${direction}`
    return key.nulls === undefined ? byRank : `${value} IS NULL ${key.nulls === 'first' ? 'DESC' : 'ASC'}, ${byRank}`
  })
  // A constant stands for no order at all.
  return sql.length === 0 ? '(SELECT 1)' : sql.join(', ')
}

function aggregateSql({ fn, of, where, fraction }: Aggregate, scope: Scope): string {
  const filter = where === undefined ? '' : ` FILTER (WHERE ${predicateSql(where, scope)})`
  if (of === undefined) return `COUNT(*)${filter}`
  const { value } = termOf(of, scope)
  switch (fn) {
    case 'count':
    case 'avg':
    case 'min':
    case 'max':
    case 'median':
      return `${fn}(${value})${filter}`
    case 'countDistinct':
      return `COUNT(DISTINCT ${value})${filter}`
    case 'sum':
      return `COALESCE(SUM(${value})${filter}, 0.0)`
    case 'percentile':
      return `percentile_cont(${value}, ${fraction})${filter}`
    default:
      throw new Error(`${fn} is not translated`)
  }
}

function windowTerm(window: WindowField, identity: readonly Path[], scope: Scope): Term {
  const { fn, of, partitionBy, orderBy, distance } = window
  const partition = partitionBy.flatMap((by) => Object.values(termOf(by, scope)))
  const by = partition.length > 0 ? `PARTITION BY ${partition.join(', ')} ` : ''
  const order = orderSql(orderBy, identity, scope)
  const value = of === undefined ? MISSING : termOf(of, scope)
  switch (fn) {
    case 'rowNumber':
      return { value: `row_number() OVER (${by}ORDER BY ${order})`, there: '1' }
    case 'rank':
    case 'denseRank': {
      const keys = orderBy.length > 0 ? orderSql(orderBy, [], scope) : '(SELECT 1)'
      return { value: `${fn === 'rank' ? 'rank' : 'dense_rank'}() OVER (${by}ORDER BY ${keys})`, there: '1' }
    }
    case 'lag':
    case 'lead': {
      const seen = (part: string, fallback: string): string =>
        `${fn}(${part}, ${distance}, ${fallback}) OVER (${by}ORDER BY ${order})`
      return { value: seen(value.value, literal(window.fallback)), there: seen(value.there, '1') }
    }
    case 'first':
    case 'last':
      throw new Error(`${fn} is not translated`)
    default: {
      const rows = 'ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW'
      const frame = orderBy.length > 0 ? `(${by}ORDER BY ${order} ${rows})` : `(${by})`
      const call = `${fn}(${of === undefined ? '*' : value.value}) OVER ${frame}`
      return { value: fn === 'sum' ? `COALESCE(${call}, 0.0)` : call, there: '1' }
    }
  }
}
