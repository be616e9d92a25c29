/** What the parts of one random query share. */
import type { QueryData } from '../../../../src/query/query-data.ts'
import type { Draw } from './draw.ts'
import type { Clause, Column, Shape, World } from './world.ts'

export interface Made {
  readonly data: QueryData
  /** Of its rows. */
  readonly shape: Shape
}

export interface Context {
  readonly draw: Draw
  readonly world: World
  /** How many blocks may still lie within this one. */
  readonly depth: number
  /** Of the row outside, in the query of an exists. */
  readonly outer: Shape | undefined
  /** A name that no field has. */
  fresh(kind?: Column['kind']): string
  /** A block within, of one block less depth; `outer` when it is the query of an exists. */
  block(options?: { readonly outer?: Shape; readonly simple?: boolean }): Made
}

export function has({ world }: Context, clause: Clause): boolean {
  return world.clauses.has(clause)
}

/** What may be filtered, compared and grouped. */
export function comparable(shape: Shape): Shape {
  return shape.filter(({ kind }) => kind !== 'inexact' && kind !== 'distance')
}

export function ofKind(shape: Shape, ...kinds: readonly Column['kind'][]): Shape {
  return shape.filter(({ kind }) => kinds.includes(kind))
}
