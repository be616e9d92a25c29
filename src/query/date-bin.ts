/**
 * Bins of time. A bin is counted on the clock of the time zone from the beginning of 1970 (weeks from the Monday before
 * it), and its beginning is the first moment of the stretch in which that clock was in it: where clocks are set forward at
 * midnight a day begins at one.
 */
import type { BinUnit } from './query-data.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
/** What a Date can be. A bin that begins before that begins there. */
const FIRST_MS = -8.64e15
const LAST_MS = 8.64e15
/** 1 January 1970 was a Thursday: the Monday of its week was three days before. */
const DAYS_TO_MONDAY = 3

/** Gives the beginning of the bin of a time, both in milliseconds. */
export function compileBin(unit: BinUnit, step: number, timeZone: string): (timeMs: number) => number {
  const start = (wallMs: number): number => {
    const startMs = startOnWall(Math.min(LAST_MS, wallMs), unit, step)
    return Number.isNaN(startMs) ? FIRST_MS : Math.max(FIRST_MS, startMs)
  }
  if (timeZone === 'UTC') return start
  const offsetAt = compileOffset(timeZone)
  return (timeMs) => {
    const wallMs = start(timeMs + offsetAt(timeMs))
    if (wallMs > FIRST_MS + 2 * DAY_MS) return beginningOnClock(timeMs, wallMs, start, offsetAt)
    // No clock was ever set there.
    return Math.min(timeMs, Math.max(FIRST_MS, wallMs - offsetAt(timeMs)))
  }
}

/** The beginning of the bin on a clock that is never set. */
function startOnWall(wallMs: number, unit: BinUnit, step: number): number {
  switch (unit) {
    case 'second':
      return floorTo(wallMs, 1000 * step)
    case 'minute':
      return floorTo(wallMs, MINUTE_MS * step)
    case 'hour':
      return floorTo(wallMs, HOUR_MS * step)
    case 'day':
      return floorTo(wallMs, DAY_MS * step)
    case 'week': {
      const monday = DAYS_TO_MONDAY * DAY_MS
      return floorTo(wallMs + monday, 7 * DAY_MS * step) - monday
    }
    case 'month':
      return monthStart(wallMs, step)
    case 'quarter':
      return monthStart(wallMs, 3 * step)
    case 'year':
      return monthStart(wallMs, 12 * step)
  }
}

function floorTo(timeMs: number, sizeMs: number): number {
  return Math.floor(timeMs / sizeMs) * sizeMs
}

/** The beginning of the run of so many months, counted from 1970. */
function monthStart(wallMs: number, months: number): number {
  const date = new Date(wallMs)
  const month = (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()
  const first = floorTo(month, months)
  // Set by setUTCFullYear, since Date.UTC takes the years 0 to 99 for 1900 to 1999.
  return new Date(0).setUTCFullYear(1970 + Math.floor(first / 12), first - Math.floor(first / 12) * 12, 1)
}

/**
 * The beginning of the stretch of time around `timeMs` in which the clock was in the bin that begins at `wallMs`. A clock
 * set back may have been in it before: then that belongs to it, unless it was in another bin in between.
 */
function beginningOnClock(
  timeMs: number,
  wallMs: number,
  start: (wallMs: number) => number,
  offsetAt: (timeMs: number) => number,
): number {
  let at = timeMs
  for (;;) {
    const edge = lastChange(wallMs - offsetAt(at), at, offsetAt)
    if (start(edge - 1 + offsetAt(edge - 1)) !== wallMs) return edge
    at = edge - 1
  }
}

/** When the clock was set to what it is at `to`; `from` when it was not set since. */
function lastChange(from: number, to: number, offsetAt: (timeMs: number) => number): number {
  const offset = offsetAt(to)
  if (offsetAt(from) === offset) return from
  let [other, same] = [from, to]
  while (same - other > 1) {
    const middle = Math.floor((other + same) / 2)
    if (offsetAt(middle) === offset) same = middle
    else other = middle
  }
  return same
}

/** The offset of a zone from UTC at a time, remembered by the quarter of an hour: no clock is set within one. */
function compileOffset(timeZone: string): (timeMs: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const known = new Map<number, number>()
  return (timeMs) => {
    // At the very ends of time, what a clock shows may be no Date.
    const shownMs = Math.min(LAST_MS - 2 * DAY_MS, Math.max(FIRST_MS + 2 * DAY_MS, timeMs))
    const quarter = Math.floor(shownMs / (15 * MINUTE_MS))
    const offset = known.get(quarter)
    if (offset !== undefined) return offset
    if (known.size >= MOST_KNOWN) known.clear()
    const made = shownBy(format, quarter * 15 * MINUTE_MS) - quarter * 15 * MINUTE_MS
    known.set(quarter, made)
    return made
  }
}

/** Offsets remembered: about two years of quarters of an hour. */
const MOST_KNOWN = 65_536

function shownBy(format: Intl.DateTimeFormat, timeMs: number): number {
  const shown: { [type: string]: string } = {}
  for (const { type, value } of format.formatToParts(timeMs)) shown[type] = value
  const year = shown['era'] === 'BC' ? 1 - Number(shown['year']) : Number(shown['year'])
  const date = new Date(0)
  date.setUTCFullYear(year, Number(shown['month']) - 1, Number(shown['day']))
  return date.setUTCHours(Number(shown['hour']), Number(shown['minute']), Number(shown['second']))
}
