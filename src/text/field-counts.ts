/**
 * How often a term occurs in which fields of a document, as one small number. Nearly all postings say "once in the
 * title" or "twice in the body", so that an index has few different ones: a posting keeps a code, in one byte as a rule,
 * and scoring reads the weighted sum of a code from a table. Codes are given out in the order of first use and stay.
 *
 *   fields title (weight 3), body (1):   code 0 = {body: 1}, sum 1    code 1 = {title: 1}, sum 3    code 2 = {title: 1, body: 2}, sum 5
 */
import { invariant } from '../base/invariant.ts'

/** Occurrences in a single field below this many are looked up without a key. */
const SMALL_COUNT = 16

export class FieldCounts {
  readonly fields: number
  readonly weights: Float64Array
  #size = 0
  /** By code: Σ weight × count, Σ count, and the counts, `fields` of them a code. */
  #sums: Float64Array = new Float64Array(64)
  #totals: Uint32Array = new Uint32Array(64)
  #counts: Uint32Array
  /** Code + 1 of "count times in one field", by field × SMALL_COUNT + count. */
  readonly #single: Uint32Array
  readonly #byKey: Map<string, number> = new Map()

  constructor(weights: Float64Array) {
    this.weights = weights
    this.fields = weights.length
    this.#counts = new Uint32Array(64 * this.fields)
    this.#single = new Uint32Array(this.fields * SMALL_COUNT)
  }

  /** Codes given out. */
  get size(): number {
    return this.#size
  }

  /** Weighted sums by code: of all fields, or of one field alone. Entries from {@link size} on mean nothing. */
  sums(field?: number): Float64Array {
    if (field === undefined) return this.#sums
    const sums = new Float64Array(this.#size)
    for (let code = 0; code < this.#size; code++) sums[code] = this.weights[field]! * this.count(code, field)
    return sums
  }

  /** Occurrences by code, of all fields together. */
  get totals(): Uint32Array {
    return this.#totals
  }

  count(code: number, field: number): number {
    return this.#counts[code * this.fields + field]!
  }

  /** The code of "count times in this field and nowhere else". */
  codeOfOne(field: number, count: number): number {
    if (count < SMALL_COUNT) {
      const known = this.#single[field * SMALL_COUNT + count]!
      if (known > 0) return known - 1
    }
    const counts = new Uint32Array(this.fields)
    counts[field] = count
    const code = this.codeOf(counts)
    if (count < SMALL_COUNT) this.#single[field * SMALL_COUNT + count] = code + 1
    return code
  }

  /** The code of these counts, one a field, of which one at least is above 0. */
  codeOf(counts: Uint32Array): number {
    const key = counts.join()
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    invariant(counts.length === this.fields, () => `${counts.length} counts of ${this.fields} fields`)
    const code = this.#size++
    if (code === this.#sums.length) this.#grow()
    let sum = 0
    let total = 0
    for (let field = 0; field < counts.length; field++) {
      sum += this.weights[field]! * counts[field]!
      total += counts[field]!
    }
    invariant(total > 0, () => 'a posting without an occurrence')
    this.#sums[code] = sum
    this.#totals[code] = total
    this.#counts.set(counts, code * this.fields)
    this.#byKey.set(key, code)
    return code
  }

  #grow(): void {
    const size = this.#sums.length * 2
    this.#sums = grown(this.#sums, new Float64Array(size))
    this.#totals = grown(this.#totals, new Uint32Array(size))
    this.#counts = grown(this.#counts, new Uint32Array(size * this.fields))
  }
}

function grown<T extends Float64Array | Uint32Array>(old: T, larger: T): T {
  larger.set(old)
  return larger
}
