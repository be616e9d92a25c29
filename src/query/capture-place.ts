/** Places on the earth as a query states them. */
import { captureValue, describe, invalidQuery, isPlainObject } from './capture.ts'
import type { Box, Circle, GeoPoint } from './query-data.ts'

/** Half the way around the earth: no place is farther. */
const MAX_RADIUS_METERS = 20_100_000

export function capturePoint(point: unknown, at: string): GeoPoint {
  const { lat, lng } = numbersAt(point, at, ['lat', 'lng'])
  return Object.freeze({ lat: within(lat!, 90, `${at}.lat`), lng: within(lng!, 180, `${at}.lng`) })
}

export function captureCircle(circle: unknown, at: string): Circle {
  const { lat, lng, radiusMeters } = numbersAt(circle, at, ['lat', 'lng', 'radiusMeters'])
  if (!(radiusMeters! >= 0 && radiusMeters! <= MAX_RADIUS_METERS))
    throw invalidQuery(`${at}.radiusMeters`, `expected 0 to ${MAX_RADIUS_METERS}, found ${radiusMeters}`)
  return Object.freeze({ ...capturePoint({ lat, lng }, at), radiusMeters: radiusMeters! })
}

export function captureBox(box: unknown, at: string): Box {
  const { south, west, north, east } = numbersAt(box, at, ['south', 'west', 'north', 'east'])
  within(south!, 90, `${at}.south`)
  within(north!, 90, `${at}.north`)
  if (south! > north!) throw invalidQuery(at, `south ${south} lies above north ${north}`)
  return Object.freeze({
    south: south!,
    west: within(west!, 180, `${at}.west`),
    north: north!,
    east: within(east!, 180, `${at}.east`),
  })
}

/** Exactly these fields, all numbers. */
function numbersAt(
  value: unknown,
  at: string,
  names: readonly string[],
): { readonly [name: string]: number | undefined } {
  if (!isPlainObject(value)) throw invalidQuery(at, `expected { ${names.join(', ')} }, found ${describe(value)}`)
  const stranger = Object.keys(value).find((name) => !names.includes(name))
  if (stranger !== undefined) throw invalidQuery(`${at}.${stranger}`, `only ${names.join(', ')} belong here`)
  const numbers: { [name: string]: number } = {}
  for (const name of names) {
    const number = captureValue(value[name], `${at}.${name}`)
    if (typeof number !== 'number') throw invalidQuery(`${at}.${name}`, `expected a number, found ${describe(number)}`)
    numbers[name] = number
  }
  return numbers
}

function within(degrees: number, most: number, at: string): number {
  if (degrees >= -most && degrees <= most) return degrees
  throw invalidQuery(at, `expected -${most} to ${most} degrees, found ${degrees}`)
}
