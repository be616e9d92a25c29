/** How far a row's place or vector is from what a query names. */

import type { StoredRecord, Value } from '../base/values.ts'
import { distanceMetres } from '../columns/geo.ts'
import { vectorMeasure } from '../columns/nearest.ts'
import { compileGetter } from './getter.ts'
import { isPlace } from './place.ts'
import type { NearestClause } from './query-data.ts'

type Vector = Float32Array | Float64Array

/** Gives the distance of a row; undefined when it has no place, or no vector of that length. */
export function compileDistance(nearest: NearestClause): (row: StoredRecord) => number | undefined {
  const get = compileGetter(nearest.path)
  if (nearest.kind === 'place') {
    const { to } = nearest
    return (row) => {
      const value = get(row)
      return isPlace(value) ? distanceMetres(value, to) : undefined
    }
  }
  const { to, metric } = nearest
  // The measure that columns are searched by, so that a distance is the same number however it was found.
  const measure = vectorMeasure(metric, to)
  return (row) => {
    const value = get(row)
    // It reads elements, which vectors of both kinds have.
    return isVectorOf(value, to.length) ? measure(value as Float32Array, 0) : undefined
  }
}

function isVectorOf(value: Value | undefined, length: number): value is Vector {
  return (value instanceof Float32Array || value instanceof Float64Array) && value.length === length
}
