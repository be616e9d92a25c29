/**
 * The one interface of everything that hands out rows.
 *
 * Contract: `next()` gives a row, PAUSE, or undefined at the end (and at every call after it). An operator that works
 * for long without a row to show (a filter that rejects, a sort that collects) returns PAUSE after STRIDE rows of its
 * input: a synchronous run asks again at once, a yielding one may first give the event loop a turn. So no call of
 * `next()` takes long, whatever stands below. PAUSE from the input is passed on. `close()` releases what is held,
 * at any time and more than once. Rows are fresh objects that nobody else holds.
 *
 * Some operators also hand out rows by the stretch: `read(rows, most)` appends up to `most` rows, `skip(most)` passes
 * over them and only counts. `most` is at most STRIDE; both return how many, 0 for PAUSE, END for undefined.
 */
import { END, type Row } from '../source.ts'

export const PAUSE: unique symbol = Symbol('pause')

export type Step = Row | typeof PAUSE | undefined

export interface Operator {
  next(): Step
  read?(rows: Row[], most: number): number
  skip?(most: number): number
  /** What explain adds to the node: how it was run. */
  note?(): string | undefined
  close(): void
}

/** Rows an operator takes in without giving one before it pauses: below a millisecond of work. */
export const STRIDE = 64

/** Appends what `next` gives: `read` of an operator that has none. */
export function readByRow(operator: Operator, rows: Row[]): number {
  const step = operator.next()
  if (step === undefined) return END
  if (step === PAUSE) return 0
  rows.push(step)
  return 1
}

/** Passes over what `next` gives: `skip` of an operator that has none. */
export function skipByRow(operator: Operator): number {
  const step = operator.next()
  if (step === undefined) return END
  return step === PAUSE ? 0 : 1
}
