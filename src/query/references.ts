/** What predicates and expressions refer to: which fields of their row, and whether they ask other rows. */
import type { Path } from '../base/values.ts'
import { isShaped } from './block-shape.ts'
import type { Expression, JoinClause, Predicate, QueryData } from './query-data.ts'

/** A query inside a predicate. */
export type Subquery = Extract<Predicate, { kind: 'inQuery' | 'exists' }>

/** Calls `visit` with every path of the row that the predicate looks at; a subquery's `outer` paths are of this row. */
export function visitPaths(predicate: Predicate, visit: (path: Path) => void): void {
  switch (predicate.kind) {
    case 'field':
      visit(predicate.path)
      return
    case 'not':
      visitPaths(predicate.of, visit)
      return
    case 'and':
    case 'or':
      for (const one of predicate.of) visitPaths(one, visit)
      return
    case 'compare':
      visitExpression(predicate.left, visit)
      visitExpression(predicate.right, visit)
      return
    case 'inQuery':
      visitExpression(predicate.value, visit)
      return
    case 'exists':
      for (const { left } of predicate.on) visitExpression(left, visit)
      visitOuter(predicate.query, visit)
  }
}

/** Calls `visit` with every path of the row that the expression looks at. */
export function visitExpression(expression: Expression, visit: (path: Path) => void): void {
  switch (expression.kind) {
    case 'path':
      visit(expression.path)
      return
    case 'call':
      for (const arg of expression.args) visitExpression(arg, visit)
      return
    case 'case':
      for (const { when, value } of expression.branches) {
        visitPaths(when, visit)
        visitExpression(value, visit)
      }
      visitExpression(expression.otherwise, visit)
      return
    case 'bin':
      visitExpression(expression.of, visit)
  }
}

/** Calls `visit` with every path that the clauses of a block look at in the rows that it reads and joins. */
export function visitOwnPaths(data: QueryData, visit: (path: Path) => void): void {
  if (data.where !== undefined) visitPaths(data.where, visit)
  for (const { on } of data.joins) for (const { left } of on) visitExpression(left, visit)
  for (const { value } of data.computed) visitExpression(value, visit)
  if (data.nearest !== undefined) visit(data.nearest.path)
  for (const { value } of data.group?.keys ?? []) visitExpression(value, visit)
  for (const { of, where, orderBy } of data.group?.aggregates ?? []) {
    if (of !== undefined) visitExpression(of, visit)
    if (where !== undefined) visitPaths(where, visit)
    for (const { path } of orderBy) visit(path)
  }
  // From here on rows may be groups, or the results of others.
  if (data.group !== undefined || isShaped(data)) return
  for (const { of, partitionBy, orderBy } of data.windows) {
    for (const part of of === undefined ? partitionBy : [of, ...partitionBy]) visitExpression(part, visit)
    for (const { path } of orderBy) visit(path)
  }
  for (const { path } of [...data.orderBy, ...(data.select ?? [])]) visit(path)
}

/** The subqueries of a predicate, from the left. */
export function subqueriesOf(predicate: Predicate): readonly Subquery[] {
  switch (predicate.kind) {
    case 'not':
      return subqueriesOf(predicate.of)
    case 'and':
    case 'or':
      return predicate.of.flatMap(subqueriesOf)
    case 'inQuery':
    case 'exists':
      return [predicate]
    default:
      return []
  }
}

/** True when the query looks at the row outside it. */
export function isCorrelated(query: QueryData): boolean {
  let found = false
  visitOuter(query, () => {
    found = true
  })
  return found
}

/** The query with every `outer` of the row outside replaced by what `replace` gives for it. */
export function bindOuter(data: QueryData, replace: (path: Path) => Expression): QueryData {
  const where = data.where && bindPredicate(data.where, replace)
  const having = data.group?.having && bindPredicate(data.group.having, replace)
  return {
    ...data,
    where,
    from: data.from && bindOuter(data.from, replace),
    computed: data.computed.map((field) => ({ ...field, value: bindExpression(field.value, replace) })),
    joins: data.joins.map((join) => bindJoin(join, replace)),
    sets: data.sets.map((set) => ({ ...set, other: bindOuter(set.other, replace) })),
    group: data.group && {
      keys: data.group.keys.map((key) => ({ ...key, value: bindExpression(key.value, replace) })),
      aggregates: data.group.aggregates.map((one) => ({
        ...one,
        of: one.of && bindExpression(one.of, replace),
        where: one.where && bindPredicate(one.where, replace),
      })),
      having,
    },
    windows: data.windows.map((field) => ({
      ...field,
      of: field.of && bindExpression(field.of, replace),
      partitionBy: field.partitionBy.map((part) => bindExpression(part, replace)),
    })),
  }
}

function bindJoin(join: JoinClause, replace: (path: Path) => Expression): JoinClause {
  return {
    ...join,
    other: bindOuter(join.other, replace),
    on: join.on.map(({ left, right }) => ({
      left: bindExpression(left, replace),
      right: bindExpression(right, replace),
    })),
  }
}

function bindPredicate(predicate: Predicate, replace: (path: Path) => Expression): Predicate {
  switch (predicate.kind) {
    case 'field':
      return predicate
    case 'not':
      return { kind: 'not', of: bindPredicate(predicate.of, replace) }
    case 'and':
    case 'or':
      return { kind: predicate.kind, of: predicate.of.map((one) => bindPredicate(one, replace)) }
    case 'compare':
      return {
        ...predicate,
        left: bindExpression(predicate.left, replace),
        right: bindExpression(predicate.right, replace),
      }
    case 'inQuery':
      return { ...predicate, value: bindExpression(predicate.value, replace) }
    case 'exists':
      // Inside the query of this one `outer` means the row that this predicate is about.
      return {
        ...predicate,
        on: predicate.on.map((pair) => ({ ...pair, left: bindExpression(pair.left, replace) })),
      }
  }
}

function bindExpression(expression: Expression, replace: (path: Path) => Expression): Expression {
  switch (expression.kind) {
    case 'outer':
      return replace(expression.path)
    case 'call':
      return { ...expression, args: expression.args.map((arg) => bindExpression(arg, replace)) }
    case 'case':
      return {
        ...expression,
        branches: expression.branches.map(({ when, value }) => ({
          when: bindPredicate(when, replace),
          value: bindExpression(value, replace),
        })),
        otherwise: bindExpression(expression.otherwise, replace),
      }
    case 'bin':
      return { ...expression, of: bindExpression(expression.of, replace) }
    default:
      return expression
  }
}

function visitOuter(query: QueryData, visit: (path: Path) => void): void {
  bindOuter(query, (path) => {
    visit(path)
    return { kind: 'path', path }
  })
}
