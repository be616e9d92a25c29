import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileBin } from '../../src/query/date-bin.ts'
import type { BinUnit } from '../../src/query/query-data.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'

const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'] as const
const UNITS: readonly BinUnit[] = ['second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year']

function bin(text: string, unit: BinUnit, timeZone: string, step = 1): string {
  return new Date(compileBin(unit, step, timeZone)(Date.parse(text))).toISOString()
}

/** What a clock in the zone shows, as year, month, day, hour, minute, second. */
function clock(timeMs: number, timeZone: string): number[] {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const parts = new Map(format.formatToParts(timeMs).map(({ type, value }) => [type, Number(value)]))
  return ['year', 'month', 'day', 'hour', 'minute', 'second'].map((type) => parts.get(type as 'year')!)
}

/** Which bin a clock shows, as text. */
function label(timeMs: number, unit: BinUnit, timeZone: string): string {
  const fields = clock(timeMs, timeZone)
  const [year, month, day] = fields as [number, number, number]
  switch (unit) {
    case 'year':
      return `${year}`
    case 'quarter':
      return `${year} q${Math.ceil(month / 3)}`
    case 'month':
      return `${year} ${month}`
    case 'week': {
      const date = Date.UTC(year, month - 1, day)
      return new Date(date - ((new Date(date).getUTCDay() + 6) % 7) * 86_400_000).toISOString()
    }
    case 'day':
      return fields.slice(0, 3).join(' ')
    case 'hour':
      return fields.slice(0, 4).join(' ')
    case 'minute':
      return fields.slice(0, 5).join(' ')
    case 'second':
      return fields.join(' ')
  }
}

/** Around the days on which clocks change in 2023 and 2024, and anywhere from 1975 to 2035. */
const CHANGES = ['2023-03-12', '2023-03-26', '2023-04-01', '2023-09-30', '2023-10-29', '2023-11-05', '2024-03-31']
const instants = fc.oneof(
  fc
    .tuple(fc.constantFrom(...CHANGES), fc.integer({ min: -30 * 3_600, max: 54 * 3_600 }))
    .map(([day, seconds]) => Date.parse(day) + seconds * 1_000 + 7),
  fc.integer({ min: Date.UTC(1975, 0), max: Date.UTC(2035, 0) }),
)

describe('bins of time', () => {
  it('begin at the first instant of the stretch in which a clock of the zone shows the same bin', () => {
    fc.assert(
      fc.property(instants, fc.constantFrom(...ZONES, 'UTC'), fc.constantFrom(...UNITS), (timeMs, zone, unit) => {
        const bins = compileBin(unit, 1, zone)
        const start = bins(timeMs)
        const own = label(timeMs, unit, zone)
        expect(start).toBeLessThanOrEqual(timeMs)
        expect(bins(start)).toBe(start)
        expect(label(start, unit, zone)).toBe(own)
        // The instant before shows another bin, or the same one once more: an hour that comes twice.
        if (label(start - 1, unit, zone) === own) {
          expect(['hour', 'minute', 'second']).toContain(unit)
          expect(clock(start - 1, zone).slice(3) > clock(start, zone).slice(3)).toBe(true)
        }
        for (let part = 1; part < 8; part++) {
          const within = start + Math.floor(((timeMs - start) * part) / 8)
          expect(label(within, unit, zone)).toBe(own)
          expect(bins(within)).toBe(start)
        }
      }),
      { seed: seed(), numRuns: effort(700) },
    )
  })

  it('begin where the day begins there, whatever the clocks do on it', () => {
    expect(bin('2024-03-31T12:00Z', 'day', 'Europe/Berlin')).toBe('2024-03-30T23:00:00.000Z')
    expect(bin('2024-10-27T22:59Z', 'day', 'Europe/Berlin')).toBe('2024-10-26T22:00:00.000Z')
    expect(bin('2024-11-03T12:00Z', 'day', 'America/New_York')).toBe('2024-11-03T04:00:00.000Z')
    expect(bin('2024-05-05T12:00Z', 'month', 'Asia/Kolkata')).toBe('2024-04-30T18:30:00.000Z')
    expect(bin('2024-05-05T12:10Z', 'hour', 'Asia/Kolkata')).toBe('2024-05-05T11:30:00.000Z')
    // Midnight comes twice in Havana in autumn, and never in spring.
    expect(bin('2024-11-03T12:00Z', 'day', 'America/Havana')).toBe('2024-11-03T04:00:00.000Z')
    expect(bin('2024-03-10T12:00Z', 'day', 'America/Havana')).toBe('2024-03-10T05:00:00.000Z')
  })

  it('are one for the hour that comes twice, and for the hour of which half comes twice', () => {
    expect(bin('2024-10-27T00:30Z', 'hour', 'Europe/Berlin')).toBe('2024-10-27T00:00:00.000Z')
    expect(bin('2024-10-27T01:30Z', 'hour', 'Europe/Berlin')).toBe('2024-10-27T00:00:00.000Z')
    expect(bin('2024-04-06T15:10Z', 'hour', 'Australia/Lord_Howe')).toBe('2024-04-06T14:00:00.000Z')
    expect(bin('2024-10-05T15:40Z', 'hour', 'Australia/Lord_Howe')).toBe('2024-10-05T15:30:00.000Z')
  })

  it('of a step count from the beginning of 1970, weeks from the Monday before', () => {
    expect(bin('1970-01-04T23:59Z', 'week', 'UTC')).toBe('1969-12-29T00:00:00.000Z')
    expect(bin('1970-01-05T00:00Z', 'week', 'UTC')).toBe('1970-01-05T00:00:00.000Z')
    expect(bin('1970-01-11T00:00Z', 'week', 'UTC', 2)).toBe('1969-12-29T00:00:00.000Z')
    expect(bin('1969-12-28T00:00Z', 'week', 'UTC', 2)).toBe('1969-12-15T00:00:00.000Z')
    expect(bin('2024-05-05T12:44Z', 'minute', 'UTC', 15)).toBe('2024-05-05T12:30:00.000Z')
    expect(bin('1969-12-31T23:59Z', 'month', 'UTC', 5)).toBe('1969-08-01T00:00:00.000Z')
    expect(bin('2024-05-05T12:44Z', 'year', 'UTC', 10)).toBe('2020-01-01T00:00:00.000Z')
    expect(bin('2024-03-31T03:44Z', 'hour', 'Europe/Berlin', 6)).toBe('2024-03-30T23:00:00.000Z')
    expect(compileBin('year', 1, 'UTC')(-8.64e15)).toBe(-8.64e15)
    for (const unit of UNITS) {
      for (const zone of ['America/New_York', 'Europe/Berlin']) {
        const ends = [-8.64e15, 8.64e15].map((timeMs) => new Date(compileBin(unit, 1, zone)(timeMs)).getUTCFullYear())
        expect(ends, `${unit} in ${zone}`).toEqual([
          -271_821,
          unit === 'year' && zone === 'Europe/Berlin' ? 275_759 : 275_760,
        ])
      }
    }
  })
})
