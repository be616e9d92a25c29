/** Places on the earth, taken as a sphere: distances by the haversine formula, within 0.6 % of the ellipsoid's. */
import type { Value } from '../base/values.ts'
import type { Box, GeoPoint } from './query-data.ts'

/** The mean radius of the earth (IUGG). */
export const EARTH_RADIUS_METERS = 6_371_008.8
const RADIANS: number = Math.PI / 180

/** True for an object with numbers `lat` and `lng` in their ranges; further fields do not matter. */
export function isPlace(value: Value | undefined): value is { readonly lat: number; readonly lng: number } {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date) return false
  if (ArrayBuffer.isView(value)) return false
  const { lat, lng } = value as { readonly [name: string]: Value | undefined }
  return isBetween(lat, 90) && isBetween(lng, 180)
}

export function metersBetween(a: GeoPoint, b: GeoPoint): number {
  const sinLat = Math.sin(((b.lat - a.lat) * RADIANS) / 2)
  const sinLng = Math.sin(((b.lng - a.lng) * RADIANS) / 2)
  const h = sinLat * sinLat + Math.cos(a.lat * RADIANS) * Math.cos(b.lat * RADIANS) * sinLng * sinLng
  // Rounding may put the square of the half chord above 1 for opposite places.
  return 2 * EARTH_RADIUS_METERS * Math.asin(Math.sqrt(Math.min(1, h)))
}

export function isInBox({ lat, lng }: GeoPoint, { south, west, north, east }: Box): boolean {
  if (lat < south || lat > north) return false
  return west <= east ? lng >= west && lng <= east : lng >= west || lng <= east
}

function isBetween(degrees: Value | undefined, most: number): degrees is number {
  return typeof degrees === 'number' && degrees >= -most && degrees <= most
}
