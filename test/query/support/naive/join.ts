/** Joins: every row is tried with every other. */
import type { JoinClause } from '../../../../src/query/query-data.ts'
import { resultOf } from './expression.ts'
import { joinsWith } from './predicate.ts'
import type { Row, Scope } from './scope.ts'

export function joined(rows: readonly Row[], join: JoinClause, scope: Scope): Row[] {
  const others = scope.rowsOf(join.other)
  const match = (row: Row, other: Row): boolean =>
    join.on.every(({ left, right }) => joinsWith(resultOf(left, row, scope), resultOf(right, other, scope)))
  const isMatched = (row: Row): boolean => others.some((other) => match(row, other))
  const both = rows.flatMap((row) =>
    others.filter((other) => match(row, other)).map((other): Row => ({ ...row, [join.as]: other })),
  )
  const leftAlone = rows.filter((row) => !isMatched(row))
  const rightAlone = others
    .filter((other) => !rows.some((row) => match(row, other)))
    .map((other): Row => ({ [join.as]: other }))
  switch (join.kind) {
    case 'inner':
      return both
    case 'left':
      return [...both, ...leftAlone]
    case 'right':
      return [...both, ...rightAlone]
    case 'full':
      return [...both, ...leftAlone, ...rightAlone]
    case 'semi':
      return rows.filter(isMatched)
    case 'anti':
      return leftAlone
  }
}
