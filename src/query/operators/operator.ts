/**
 * The one interface of everything that hands out rows.
 *
 * Contract: `next()` gives a row, PAUSE, or undefined at the end (and at every call after it). An operator that works
 * for long without a row to show (a filter that rejects, a sort that collects) returns PAUSE after STRIDE rows of its
 * input: a synchronous run asks again at once, a yielding one may first give the event loop a turn. So no call of
 * `next()` takes long, whatever stands below. PAUSE from the input is passed on. `close()` releases what is held,
 * at any time and more than once. Rows are fresh objects that nobody else holds.
 */
import type { Row } from '../source.ts'

export const PAUSE: unique symbol = Symbol('pause')

export type Step = Row | typeof PAUSE | undefined

export interface Operator {
  next(): Step
  close(): void
}

/** Rows an operator takes in without giving one before it pauses: below a millisecond of work. */
export const STRIDE = 64
