import type { Row } from '../source.ts'

/** Rows by partition and, within it, by an order: `place` is where a row stands among all. */
export interface ArrangedRows {
  readonly count: number
  /** The row, or as much of it as a field reads; to be used at once. */
  rowAt(place: number): Row
  /** The row's number in the input. */
  numberAt(place: number): number
  /** The number of the partition. */
  partitionAt(place: number): number
  /** The rows at these places lie in one partition; a place beyond an end lies in none. */
  areTogether(a: number, b: number): boolean
  /** The order that was asked for does not tell the rows at two neighbouring places apart. */
  areTied(a: number, b: number): boolean
}
