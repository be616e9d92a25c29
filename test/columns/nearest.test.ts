import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { valueAt } from '../../src/base/path.ts'
import { ColumnSet } from '../../src/columns/column-set.ts'
import { compileFilter } from '../../src/columns/filter.ts'
import { distanceMetres, type GeoPoint, NearestPointsRun, withinBox, withinRadius } from '../../src/columns/geo.ts'
import { NearestRun, vectorMeasure } from '../../src/columns/nearest.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { fixtureOf, randomRowTest, WAYS } from './kernel-fixture.ts'
import { ModelRows, pick, randomOf, seeds } from './model-rows.ts'

const runs = { seed: seed(), numRuns: effort(60) }
const bySlot = (a: number, b: number): number => a - b

describe('the nearest vectors', () => {
  it('are those of the sorted records that pass, ties in the order of slots', () => {
    fc.assert(
      fc.property(seeds, (from) => {
        const fixture = fixtureOf(from, 900)
        const { random, rows, snapshot, live, columns } = fixture
        const column = columns.get('vector')
        if (column?.kind !== 'vector') return
        const { test, holds } = randomRowTest(fixture)
        const to = Float32Array.from({ length: 3 }, () => Math.floor(random() * 4))
        const metric = pick(random, ['cosine', 'dot', 'l2'] as const)
        const measure = vectorMeasure(metric, to)
        const limit = pick(random, [0, 1, 10, 5000])
        const expected = rows
          .all(snapshot)
          .filter(({ record }) => holds(record) && record['vector'] instanceof Float32Array)
          .map(({ slot, record }) => ({ slot, distance: measure(record['vector'] as Float32Array, 0) }))
          .sort((a, b) => a.distance - b.distance || a.slot - b.slot)
          .slice(0, limit)
        for (const way of WAYS) {
          const run = new NearestRun(live, { column, to, metric, limit, where: test, compareSlots: bySlot }, way)
          run.add(0, live.bytes.length)
          expect(run.nearest()).toEqual(expected)
        }
      }),
      runs,
    )
  })

  it('have the distances of the textbook, at any length', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 21 }), (from, length) => {
        const random = randomOf(from)
        const make = (): Float32Array => Float32Array.from({ length }, () => random() * 2 - 1)
        const [a, b] = [make(), make()]
        const dot = a.reduce((sum, x, i) => sum + x * b[i]!, 0)
        const norm = (v: Float32Array): number => Math.sqrt(v.reduce((sum, x) => sum + x * x, 0))
        expect(vectorMeasure('dot', a)(b, 0)).toBeCloseTo(-dot, 9)
        expect(vectorMeasure('l2', a)(b, 0)).toBeCloseTo(Math.hypot(...a.map((x, i) => x - b[i]!)), 5)
        expect(vectorMeasure('cosine', a)(b, 0)).toBeCloseTo(1 - dot / norm(a) / norm(b), 9)
        expect(vectorMeasure('cosine', a)(new Float32Array(length), 0)).toBe(1)
        expect(vectorMeasure('l2', a)(new Float32Array(length).fill(Number.NaN), 0)).toBe(Infinity)
      }),
      runs,
    )
  })
})

function isPlace(lat: unknown, lng: unknown): boolean {
  return typeof lat === 'number' && typeof lng === 'number' && Math.abs(lat) <= 90 && Math.abs(lng) <= 180
}

function randomPoint(random: () => number): GeoPoint {
  const lat = random() < 0.2 ? pick(random, [90, -90, 0, 89.9]) : random() * 180 - 90
  const lng = random() < 0.2 ? pick(random, [180, -180, 179.9, -179.9, 0]) : random() * 360 - 180
  return { lat, lng }
}

describe('points on the globe', () => {
  it('are within a box, within a radius and nearest as their distances say', () => {
    fc.assert(
      fc.property(seeds, fc.boolean(), (from, isCoded) => {
        const random = randomOf(from)
        const rows = new ModelRows()
        for (let slot = 0; slot < 400; slot++) {
          const { lat, lng } = randomPoint(random)
          const odd = random() < 0.1 ? pick(random, [null, 'x', new Date(1), 200, Number.NaN]) : lat
          rows.write(slot, { id: slot, at: { lat: isCoded || typeof odd === 'number' ? odd : lat, lng } })
        }
        const paths = [
          ['at', 'lat'],
          ['at', 'lng'],
        ]
        const { live, columns } = new ColumnSet(rows, { memoryBytes: 1 << 26, codedNumbers: isCoded ? 5000 : 30 })
          .prepare(paths)
          .finish()
        const [lat, lng] = columns
        if (lat === undefined || lat.kind === 'refused' || lng === undefined || lng.kind === 'refused') return
        const here = { lat: { column: lat }, lng: { column: lng } }
        const center = randomPoint(random)
        const corner = randomPoint(random)
        const places = rows.all().flatMap(({ slot, record }) => {
          const [a, b] = paths.map((path) => valueAt(record, path))
          return isPlace(a, b) ? [{ slot, lat: a as number, lng: b as number }] : []
        })
        const metres = random() * pick(random, [1e5, 3e6, 2.1e7])
        const box = { south: center.lat, west: center.lng, north: corner.lat, east: corner.lng }
        const isInBox = (place: GeoPoint): boolean =>
          place.lat >= box.south &&
          place.lat <= box.north &&
          (box.west <= box.east
            ? place.lng >= box.west && place.lng <= box.east
            : place.lng >= box.west || place.lng <= box.east)
        for (const way of WAYS) {
          const out = new Uint32Array(512)
          const select = (where: Parameters<typeof compileFilter>[1]): number[] => {
            const count = compileFilter(live, where, way).select(0, rows.highSlot, out)
            return [...out.subarray(0, count)]
          }
          expect(select(withinBox(here, box))).toEqual(places.filter(isInBox).map(({ slot }) => slot))
          expect(select(withinRadius(here, center, metres))).toEqual(
            places.filter((place) => distanceMetres(center, place) <= metres).map(({ slot }) => slot),
          )
          const run = new NearestPointsRun(live, { columns: here, to: center, limit: 7, compareSlots: bySlot }, way)
          run.add(0, rows.highSlot)
          const expected = places
            .map((place) => ({ slot: place.slot, distance: distanceMetres(center, place) }))
            .sort((a, b) => a.distance - b.distance || a.slot - b.slot)
            .slice(0, 7)
          expect(run.nearest()).toEqual(expected)
        }
      }),
      runs,
    )
  })

  it('are as far apart as known places are', () => {
    const quarter = (Math.PI / 2) * 6_371_008.8
    expect(distanceMetres({ lat: 90, lng: 12 }, { lat: 0, lng: -77 })).toBeCloseTo(quarter, 3)
    expect(distanceMetres({ lat: 10, lng: 20 }, { lat: -10, lng: -160 })).toBeCloseTo(2 * quarter, -1)
    expect(distanceMetres({ lat: 0, lng: 179.5 }, { lat: 0, lng: -179.5 })).toBeCloseTo(111_195, -1)
  })
})
