/** Places on the earth as values: how far they are is told by the columns' own formula, so that both tell the same. */
import type { Value } from '../base/values.ts'
import type { Box, GeoPoint } from './query-data.ts'

/** True for an object with numbers `lat` and `lng` in their ranges; further fields do not matter. */
export function isPlace(value: Value | undefined): value is { readonly lat: number; readonly lng: number } {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date) return false
  if (ArrayBuffer.isView(value)) return false
  const { lat, lng } = value as { readonly [name: string]: Value | undefined }
  return isBetween(lat, 90) && isBetween(lng, 180)
}

export function isInBox({ lat, lng }: GeoPoint, { south, west, north, east }: Box): boolean {
  if (lat < south || lat > north) return false
  return west <= east ? lng >= west && lng <= east : lng >= west || lng <= east
}

function isBetween(degrees: Value | undefined, most: number): degrees is number {
  return typeof degrees === 'number' && degrees >= -most && degrees <= most
}
