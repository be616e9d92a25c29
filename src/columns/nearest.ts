/**
 * Kernel: the k vectors nearest to one, exactly. Distances: cosine 1 − cos (a vector of length zero is at 1), dot −a·b,
 * l2 the Euclidean one. Sums are float64 in four strands. A distance that is NaN counts as Infinity.
 */
import { invariant } from '../base/invariant.ts'
import { type ColumnTest, type KernelOptions, type LiveSlots, PRESENT, type VectorColumn } from './column.ts'
import { compileFilter, type Filter } from './filter.ts'
import { type Near, NearestHeap } from './nearest-heap.ts'

export type VectorMetric = 'cosine' | 'dot' | 'l2'

export interface NearestSpec {
  readonly column: VectorColumn
  /** As long as the column's vectors. */
  readonly to: Float32Array
  readonly metric: VectorMetric
  readonly limit: number
  readonly where?: ColumnTest
  readonly compareSlots: (a: number, b: number) => number
}

/** Slots that the filter is asked for at a time. */
const BLOCK_SLOTS = 2048

export class NearestRun {
  readonly #column: VectorColumn
  readonly #measure: (vectors: Float32Array, at: number) => number
  readonly #filter: Filter
  readonly #heap: NearestHeap
  readonly #slots = new Uint32Array(BLOCK_SLOTS)

  constructor(live: LiveSlots, spec: NearestSpec, options: KernelOptions = {}) {
    invariant(
      spec.to.length === spec.column.dimension,
      () => `a vector of ${spec.to.length} among ${spec.column.dimension}`,
    )
    this.#column = spec.column
    this.#measure = vectorMeasure(spec.metric, spec.to)
    this.#filter = compileFilter(live, spec.where, options)
    this.#heap = new NearestHeap(spec.limit, spec.compareSlots)
  }

  /** Adds the passing slots of a range of sure slots. */
  add(from: number, to: number): void {
    for (let start = from; start < to; start += BLOCK_SLOTS) {
      this.addSlots(this.#slots, this.#filter.select(start, Math.min(to, start + BLOCK_SLOTS), this.#slots))
    }
  }

  /** Adds the first `count` of these slots, untested. */
  addSlots(slots: Uint32Array, count: number): void {
    const { vectors, tags, dimension } = this.#column
    const heap = this.#heap
    for (let k = 0; k < count; k++) {
      const slot = slots[k]!
      if (tags[slot] !== PRESENT) continue
      const distance = this.#measure(vectors, slot * dimension)
      if (distance <= heap.worst) heap.offer(slot, distance)
    }
  }

  /** The nearest first. */
  nearest(): Near[] {
    return this.#heap.nearest()
  }
}

/** From a vector in `vectors` that begins at `at` to its distance from `to`. */
export function vectorMeasure(metric: VectorMetric, to: Float32Array): (vectors: Float32Array, at: number) => number {
  switch (metric) {
    case 'cosine': {
      const length = Math.sqrt(dotProduct(to, to, 0))
      return (vectors, at) => cosineDistance(to, length, vectors, at)
    }
    case 'dot':
      return (vectors, at) => numberOrFar(-dotProduct(to, vectors, at))
    case 'l2':
      return (vectors, at) => l2Distance(to, vectors, at)
  }
}

function numberOrFar(distance: number): number {
  return Number.isNaN(distance) ? Infinity : distance + 0
}

function dotProduct(to: Float32Array, vectors: Float32Array, at: number): number {
  const n = to.length
  const whole = n - (n & 3)
  let s0 = 0
  let s1 = 0
  let s2 = 0
  let s3 = 0
  let i = 0
  for (; i < whole; i += 4) {
    s0 += to[i]! * vectors[at + i]!
    s1 += to[i + 1]! * vectors[at + i + 1]!
    s2 += to[i + 2]! * vectors[at + i + 2]!
    s3 += to[i + 3]! * vectors[at + i + 3]!
  }
  for (; i < n; i++) s0 += to[i]! * vectors[at + i]!
  return s0 + s1 + (s2 + s3)
}

function cosineDistance(to: Float32Array, toLength: number, vectors: Float32Array, at: number): number {
  const n = to.length
  const whole = n - (n & 1)
  let dot0 = 0
  let dot1 = 0
  let norm0 = 0
  let norm1 = 0
  let i = 0
  for (; i < whole; i += 2) {
    const b0 = vectors[at + i]!
    const b1 = vectors[at + i + 1]!
    dot0 += to[i]! * b0
    dot1 += to[i + 1]! * b1
    norm0 += b0 * b0
    norm1 += b1 * b1
  }
  for (; i < n; i++) {
    dot0 += to[i]! * vectors[at + i]!
    norm0 += vectors[at + i]! * vectors[at + i]!
  }
  const lengths = Math.sqrt(norm0 + norm1) * toLength
  return lengths === 0 ? 1 : numberOrFar(1 - (dot0 + dot1) / lengths)
}

function l2Distance(to: Float32Array, vectors: Float32Array, at: number): number {
  const n = to.length
  const whole = n - (n & 3)
  let s0 = 0
  let s1 = 0
  let s2 = 0
  let s3 = 0
  let i = 0
  for (; i < whole; i += 4) {
    const d0 = to[i]! - vectors[at + i]!
    const d1 = to[i + 1]! - vectors[at + i + 1]!
    const d2 = to[i + 2]! - vectors[at + i + 2]!
    const d3 = to[i + 3]! - vectors[at + i + 3]!
    s0 += d0 * d0
    s1 += d1 * d1
    s2 += d2 * d2
    s3 += d3 * d3
  }
  for (; i < n; i++) {
    const d = to[i]! - vectors[at + i]!
    s0 += d * d
  }
  return numberOrFar(Math.sqrt(s0 + s1 + (s2 + s3)))
}
