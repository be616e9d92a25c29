/**
 * Points on the globe in two columns of numbers, degrees of latitude and longitude. Distances are metres on a sphere
 * (haversine), which is within 0.6 % of the ellipsoid. A row one of whose columns holds no finite number within ±90 and
 * ±180 is nowhere: no test passes it.
 */

import { numberSource } from './accumulator.ts'
import type { ColumnRef, ColumnTest, KernelOptions, LiveSlots } from './column.ts'
import { compileFilter, type Filter } from './filter.ts'
import { type Near, NearestHeap } from './nearest-heap.ts'

export interface GeoPoint {
  readonly lat: number
  readonly lng: number
}

/** From the south-west to the north-east corner; with west > east it crosses the antimeridian. */
export interface GeoBox {
  readonly south: number
  readonly west: number
  readonly north: number
  readonly east: number
}

/** The two columns of a point. */
export interface GeoColumns {
  readonly lat: ColumnRef
  readonly lng: ColumnRef
}

/** The mean radius of the Earth (IUGG). */
const EARTH_METRES = 6_371_008.8

const RADIANS = Math.PI / 180

const METRES_PER_DEGREE = EARTH_METRES * RADIANS

/** Added to the reach of a box around a circle, so that rounding never leaves out what the circle holds. */
const REACH_MARGIN = 1 + 1e-9

/** The great-circle distance. */
export function distanceMetres(a: GeoPoint, b: GeoPoint): number {
  return metresBetween(a.lat, a.lng, b.lat, b.lng)
}

function metresBetween(latA: number, lngA: number, latB: number, lngB: number): number {
  const sinLat = Math.sin(((latB - latA) * RADIANS) / 2)
  const sinLng = Math.sin(((lngB - lngA) * RADIANS) / 2)
  const h = sinLat * sinLat + Math.cos(latA * RADIANS) * Math.cos(latB * RADIANS) * sinLng * sinLng
  return 2 * EARTH_METRES * Math.asin(Math.min(1, Math.sqrt(h)))
}

/** The rows whose point lies in the box, its edges included. */
export function withinBox({ lat, lng }: GeoColumns, box: GeoBox): ColumnTest {
  const inside = (low: number, high: number): ColumnTest => ({ kind: 'between', ref: lng, low, high })
  const ofLng: readonly ColumnTest[] =
    box.west <= box.east
      ? [inside(Math.max(-180, box.west), Math.min(180, box.east))]
      : [{ kind: 'or', of: [inside(Math.max(-180, box.west), 180), inside(-180, Math.min(180, box.east))] }]
  const ofLat: ColumnTest = {
    kind: 'between',
    ref: lat,
    low: Math.max(-90, box.south),
    high: Math.min(90, box.north),
  }
  return { kind: 'and', of: [ofLat, ...ofLng] }
}

/** The rows at most so many metres from a point. A box around the circle is tested first. */
export function withinRadius(columns: GeoColumns, center: GeoPoint, metres: number): ColumnTest {
  const distance = distanceFunction(columns, center)
  const passes = (slot: number): boolean => distance(slot) <= metres
  return { kind: 'and', of: [withinBox(columns, boxAround(center, metres)), { kind: 'slot', passes, missing: false }] }
}

/** The distance of a slot's point; NaN where there is none. */
function distanceFunction({ lat, lng }: GeoColumns, from: GeoPoint): (slot: number) => number {
  const latOf = latitudeFunction(lat)
  const lngOf = degreesFunction(lng, 180)
  return (slot) => metresBetween(from.lat, from.lng, latOf(slot), lngOf(slot))
}

function latitudeFunction(lat: ColumnRef): (slot: number) => number {
  return degreesFunction(lat, 90)
}

function degreesFunction(ref: ColumnRef, most: number): (slot: number) => number {
  const isDate = ref.column.kind === 'number' && ref.column.isDate
  const source = isDate ? undefined : numberSource(ref, 'numbers')
  if (source === undefined) return () => Number.NaN
  const { codes, values } = source
  return (slot) => {
    const degrees = values[codes === undefined ? slot : codes[slot]!]!
    return Math.abs(degrees) <= most ? degrees : Number.NaN
  }
}

/** A box that holds every point at most so far from the center. */
function boxAround({ lat, lng }: GeoPoint, metres: number): GeoBox {
  const angle = (metres / EARTH_METRES) * REACH_MARGIN + 1e-12
  const latReach = angle / RADIANS
  const south = lat - latReach
  const north = lat + latReach
  const sin = Math.sin(angle) / Math.cos(lat * RADIANS)
  // Around a pole, or half around the globe, every longitude is near.
  if (south <= -90 || north >= 90 || angle >= Math.PI / 2 || !(sin < 1)) return { south, west: -180, north, east: 180 }
  const lngReach = (Math.asin(sin) / RADIANS) * REACH_MARGIN
  return { south, north, west: wrapped(lng - lngReach), east: wrapped(lng + lngReach) }
}

/** A longitude within ±180. */
function wrapped(lng: number): number {
  if (lng < -180) return lng + 360
  return lng > 180 ? lng - 360 : lng
}

export interface NearestPointsSpec {
  readonly columns: GeoColumns
  readonly to: GeoPoint
  readonly limit: number
  readonly where?: ColumnTest
  readonly compareSlots: (a: number, b: number) => number
}

/** Slots that the filter is asked for at a time. */
const BLOCK_SLOTS = 2048

/** Kernel: the k points nearest to one. */
export class NearestPointsRun {
  readonly #distance: (slot: number) => number
  readonly #latitude: (slot: number) => number
  readonly #from: number
  readonly #filter: Filter
  readonly #heap: NearestHeap
  readonly #slots = new Uint32Array(BLOCK_SLOTS)

  constructor(live: LiveSlots, spec: NearestPointsSpec, options: KernelOptions = {}) {
    this.#distance = distanceFunction(spec.columns, spec.to)
    this.#latitude = latitudeFunction(spec.columns.lat)
    this.#from = spec.to.lat
    this.#filter = compileFilter(live, spec.where, options)
    this.#heap = new NearestHeap(spec.limit, spec.compareSlots)
  }

  /** Adds the passing slots of a range of sure slots. */
  add(from: number, to: number): void {
    for (let start = from; start < to; start += BLOCK_SLOTS) {
      const count = this.#filter.select(start, Math.min(to, start + BLOCK_SLOTS), this.#slots)
      for (let k = 0; k < count; k++) {
        const slot = this.#slots[k]!
        // No point is nearer than its parallel: of 1,000,000 random points almost none needs its distance.
        const fromParallel = Math.abs(this.#latitude(slot) - this.#from) * METRES_PER_DEGREE
        if (!(fromParallel <= this.#heap.worst * REACH_MARGIN)) continue
        const distance = this.#distance(slot)
        if (distance <= this.#heap.worst) this.#heap.offer(slot, distance)
      }
    }
  }

  /** The nearest first. */
  nearest(): Near[] {
    return this.#heap.nearest()
  }
}
