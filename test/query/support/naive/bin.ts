/**
 * Bins of time, by search: a bin is a number counted on the wall clock of the time zone, and its beginning is the
 * first millisecond before which that number was another. Where a day has no midnight, that is its first moment.
 */
import type { BinUnit } from '../../../../src/query/query-data.ts'

const DAY_MS = 86_400_000

/** No unit is longer than so many days. */
const DAYS: { readonly [unit in BinUnit]: number } = {
  second: 1 / 86_400,
  minute: 1 / 1_440,
  hour: 1 / 24,
  day: 1,
  week: 7,
  month: 31,
  quarter: 92,
  year: 366,
}

export function beginningOfBin(timeMs: number, unit: BinUnit, step: number, timeZone: string): number {
  const binAt = (ms: number): number => Math.floor(unitsSince1970(wallClock(ms, timeZone), unit) / step)
  const wanted = binAt(timeMs)
  // In another bin; a day more, because clocks are set.
  let before = timeMs - Math.ceil((DAYS[unit] * step + 1) * DAY_MS)
  let within = timeMs
  while (within - before > 1) {
    const middle = Math.floor((before + within) / 2)
    if (binAt(middle) === wanted) within = middle
    else before = middle
  }
  return within
}

/** Whole units between the beginning of 1970 and what a wall clock shows; weeks begin on Mondays. */
function unitsSince1970(wallMs: number, unit: BinUnit): number {
  const days = Math.floor(wallMs / DAY_MS)
  const date = new Date(wallMs)
  const months = (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()
  switch (unit) {
    case 'second':
      return Math.floor(wallMs / 1000)
    case 'minute':
      return Math.floor(wallMs / 60_000)
    case 'hour':
      return Math.floor(wallMs / 3_600_000)
    case 'day':
      return days
    case 'week':
      // Day 0 was a Thursday: its week began three days before.
      return Math.floor((days + 3) / 7)
    case 'month':
      return months
    case 'quarter':
      return Math.floor(months / 3)
    case 'year':
      return date.getUTCFullYear() - 1970
  }
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** What a clock on the wall shows, as milliseconds of a day in UTC that shows the same. */
function wallClock(ms: number, timeZone: string): number {
  if (timeZone === 'UTC') return ms
  let format = formats.get(timeZone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formats.set(timeZone, format)
  }
  const shown = new Map(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]))
  const part = (type: Intl.DateTimeFormatPartTypes): number => shown.get(type)!
  const wholeMs = ((ms % 1000) + 1000) % 1000
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')) + wholeMs
}
