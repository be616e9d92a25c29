/** How far a row's place or vector is from what a query names. */
import type { StoredRecord, Value } from '../base/values.ts'
import { compileGetter } from './getter.ts'
import { isPlace, metersBetween } from './place.ts'
import type { NearestClause, VectorMetric } from './query-data.ts'

type Vector = Float32Array | Float64Array

/** Gives the distance of a row; undefined when it has no place, or no vector of that length. */
export function compileDistance(nearest: NearestClause): (row: StoredRecord) => number | undefined {
  const get = compileGetter(nearest.path)
  if (nearest.kind === 'place') {
    const { to } = nearest
    return (row) => {
      const value = get(row)
      return isPlace(value) ? metersBetween(value, to) : undefined
    }
  }
  const { to, metric } = nearest
  return (row) => {
    const value = get(row)
    return isVectorOf(value, to.length) ? vectorDistance(metric, to, value) : undefined
  }
}

function isVectorOf(value: Value | undefined, length: number): value is Vector {
  return (value instanceof Float32Array || value instanceof Float64Array) && value.length === length
}

/** What is no number (of vectors that hold NaN or infinities) is infinitely far; a vector of length zero is at 1 by cosine. */
function vectorDistance(metric: VectorMetric, a: Vector, b: Vector): number {
  const distance = metric === 'l2' ? euclidean(a, b) : metric === 'dot' ? -dot(a, b) : cosine(a, b)
  return Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance
}

function cosine(a: Vector, b: Vector): number {
  let [product, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!
    const y = b[i]!
    product += x * y
    aa += x * x
    bb += y * y
  }
  const lengths = Math.sqrt(aa) * Math.sqrt(bb)
  return lengths === 0 ? 1 : 1 - product / lengths
}

function dot(a: Vector, b: Vector): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

function euclidean(a: Vector, b: Vector): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!
    sum += difference * difference
  }
  return Math.sqrt(sum)
}
