/** Places, vectors, and what is nearest to one. */
import { valueAt } from '../../../../src/base/path.ts'
import type { Value } from '../../../../src/base/values.ts'
import type { GeoPoint, NearestClause, VectorMetric } from '../../../../src/query/query-data.ts'
import { type Row, withField } from './scope.ts'

const EARTH_RADIUS_METERS = 6_371_008.8

/** The place that a value is: an object with numbers `lat` and `lng` in range. */
export function placeIn(value: Value | undefined): GeoPoint | undefined {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return undefined
  const { lat, lng } = value as Row
  if (typeof lat !== 'number' || typeof lng !== 'number') return undefined
  return Math.abs(lat) <= 90 && Math.abs(lng) <= 180 ? { lat, lng } : undefined
}

/** The great circle between two places on a sphere, by the haversine formula. */
export function sphereMeters(a: GeoPoint, b: GeoPoint): number {
  const radians = (degrees: number): number => degrees * (Math.PI / 180)
  const haversine = (degrees: number): number => Math.sin(radians(degrees) / 2) ** 2
  const h = haversine(b.lat - a.lat) + Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * haversine(b.lng - a.lng)
  return 2 * EARTH_RADIUS_METERS * Math.asin(Math.sqrt(Math.min(1, h)))
}

/** The rows that have a distance, with it as `$distance`. */
export function withDistances(rows: readonly Row[], nearest: NearestClause): Row[] {
  return rows
    .map((row) => withField(row, '$distance', distanceOf(valueAt(row, nearest.path), nearest)))
    .filter((row) => row['$distance'] !== undefined)
}

function distanceOf(value: Value | undefined, nearest: NearestClause): number | undefined {
  if (nearest.kind === 'place') {
    const place = placeIn(value)
    return place && sphereMeters(place, nearest.to)
  }
  if (!(value instanceof Float32Array || value instanceof Float64Array)) return undefined
  if (value.length !== nearest.to.length) return undefined
  return vectorDistance(nearest.metric, [...value], [...nearest.to])
}

function vectorDistance(metric: VectorMetric, a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]): number => x.reduce((sum, each, i) => sum + each * y[i]!, 0)
  if (metric === 'dot') return -dot(a, b)
  if (metric === 'cosine') return 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
  return Math.sqrt(a.reduce((sum, each, i) => sum + (each - b[i]!) ** 2, 0))
}
