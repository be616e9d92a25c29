/**
 * One column while it is filled and kept up: takes values slot by slot and chooses the kind they fit. It begins coded,
 * may become a number or vector column once, and ends refused when nothing fits. Arrays that are too small or too narrow
 * are replaced, never resized, so that a `Column` given out before stays what it was.
 */
import { invariant } from '../base/invariant.ts'
import type { Value } from '../base/values.ts'
import { TYPE_CLASS } from '../codec/order.ts'
import { type Codes, type Column, MISSING, NULL, PRESENT, type RefusedColumn, ZONE_SLOTS } from './column.ts'
import { Dictionary } from './dictionary.ts'

/** Numbers of at most so many kinds stay coded in any collection: a table of float64 by code then fits the L1 cache. */
const CODED_NUMBERS = 4096

/** Beyond, numbers stay coded while rows are so many times as many as their values, so that keys of joins do. */
const ROWS_PER_CODED_NUMBER = 16

/** Numbers of which more than this share are distinct when there are that many will not become few: times, amounts. */
const UNIQUE_SHARE = 0.9

/** The most codes of numbers, that codes of two bytes hold, and the codes from which other values must repeat. */
const MAX_SHORT_CODES = 65_536

/** Why a column that would not fit into the memory for columns is refused. */
export const NO_MEMORY = 'more memory than columns may use'

interface CodedStore {
  readonly kind: 'coded'
  codes: Codes
  readonly dictionary: Dictionary
}

interface NumberStore {
  readonly kind: 'number'
  values: Float64Array
  tags: Uint8Array
  readonly isDate: boolean
  zoneMin: Float64Array
  zoneMax: Float64Array
  zoneGaps: Uint8Array
}

interface VectorStore {
  readonly kind: 'vector'
  readonly dimension: number
  vectors: Float32Array
  tags: Uint8Array
}

export interface BuilderLimits {
  readonly mostBytes?: number
  /** How many numbers may stay coded whatever the number of rows. */
  readonly codedNumbers?: number
}

type Store = CodedStore | NumberStore | VectorStore | RefusedColumn

export class ColumnBuilder {
  #store: Store = { kind: 'coded', codes: new Uint8Array(0), dictionary: new Dictionary() }
  #capacity = 0
  /** Behind the last slot that was given a value. */
  #end = 0
  /** Values given so far: what share of them is distinct decides about large dictionaries. */
  #given = 0
  readonly #mostBytes: number
  readonly #codedNumbers: number

  /** A column that would need more than `mostBytes` is refused before it takes them. */
  constructor({ mostBytes = Infinity, codedNumbers = CODED_NUMBERS }: BuilderLimits = {}) {
    this.#mostBytes = mostBytes
    this.#codedNumbers = codedNumbers
  }

  /** What there is now: a view of arrays that later values are written to. */
  column(): Column | RefusedColumn {
    return { ...this.#store }
  }

  get bytes(): number {
    const store = this.#store
    if (store.kind === 'coded') return store.codes.byteLength + store.dictionary.bytes
    if (store.kind === 'number') return store.values.byteLength + store.tags.byteLength + 3 * store.zoneMin.byteLength
    return store.kind === 'vector' ? store.vectors.byteLength + store.tags.byteLength : 0
  }

  get isRefused(): boolean {
    return this.#store.kind === 'refused'
  }

  /** Gives up: `reason` is what the query is told. */
  refuse(reason: string): void {
    this.#store = { kind: 'refused', reason }
  }

  /** Makes room for slots below `slots`: whole zones, and some more than asked when it grows. */
  reserve(slots: number): void {
    if (slots <= this.#capacity) return
    const wanted = this.#capacity === 0 ? slots : Math.max(slots, this.#capacity + (this.#capacity >> 2))
    const capacity = Math.ceil(wanted / ZONE_SLOTS) * ZONE_SLOTS
    this.#capacity = capacity
    const store = this.#store
    switch (store.kind) {
      case 'coded':
        store.codes = grown(store.codes, capacity)
        break
      case 'number':
        store.values = grownFloats(store.values, capacity, Number.NaN)
        store.tags = grown(store.tags, capacity)
        store.zoneMin = grownFloats(store.zoneMin, capacity / ZONE_SLOTS, Infinity)
        store.zoneMax = grownFloats(store.zoneMax, capacity / ZONE_SLOTS, -Infinity)
        store.zoneGaps = grown(store.zoneGaps, capacity / ZONE_SLOTS)
        break
      case 'vector':
        store.vectors = grownVectors(store.vectors, capacity * store.dimension)
        store.tags = grown(store.tags, capacity)
        break
      case 'refused':
        break
    }
  }

  /** The value of a slot for which there is room; undefined when it is missing or there is no record. */
  set(slot: number, value: Value | undefined): void {
    if (slot >= this.#end) this.#end = slot + 1
    const store = this.#store
    switch (store.kind) {
      case 'coded':
        this.#setCoded(store, slot, value)
        break
      case 'number':
        this.#setNumber(store, slot, value)
        break
      case 'vector':
        this.#setVector(store, slot, value)
        break
      case 'refused':
        break
    }
  }

  #setCoded(store: CodedStore, slot: number, value: Value | undefined): void {
    const { dictionary } = store
    const before = dictionary.size
    if (value instanceof Float32Array && before === 2) {
      this.#becomeVectors(store, value.length)
      this.set(slot, value)
      return
    }
    this.#given++
    const code = dictionary.codeOf(value)
    if (code >= before && !this.#fitsGrown(store)) {
      this.set(slot, value)
      return
    }
    store.codes[slot] = code
  }

  /** After a code was added: widens the codes. False when the column is no longer coded. */
  #fitsGrown(store: CodedStore): boolean {
    const { dictionary } = store
    const { size } = dictionary
    if (dictionary.countOf(TYPE_CLASS.vector) > 0) {
      this.refuse('vectors that are not all float32 and of one length')
      return false
    }
    if (dictionary.bigints > 0 && dictionary.countOf(TYPE_CLASS.number) > dictionary.bigints) {
      this.refuse('numbers mixed with bigints')
      return false
    }
    if (this.#hasManyNumbers(size) && this.#becomeNumbers(store)) {
      return false
    }
    if (size > MAX_SHORT_CODES) {
      if (this.#becomeNumbers(store)) return false
      if (size > this.#given / 2) {
        this.refuse('too many distinct values')
        return false
      }
    }
    if (size > 256 && store.codes.BYTES_PER_ELEMENT === 1) store.codes = new Uint16Array(store.codes)
    if (size > MAX_SHORT_CODES && store.codes.BYTES_PER_ELEMENT === 2) store.codes = new Uint32Array(store.codes)
    return true
  }

  #hasManyNumbers(size: number): boolean {
    if (size <= this.#codedNumbers) return false
    return size > this.#capacity / ROWS_PER_CODED_NUMBER || size > this.#given * UNIQUE_SHARE
  }

  /** The codes as float64, when all values are numbers, or all are dates. The value of the newest code has no slot yet. */
  #becomeNumbers(store: CodedStore): boolean {
    const { dictionary, codes } = store
    const isDate = dictionary.isOnly(TYPE_CLASS.date)
    if (!isDate && (!dictionary.isOnly(TYPE_CLASS.number) || dictionary.bigints > 0)) return false
    const numeric = isDate ? dictionary.values.map((value) => Number(value ?? Number.NaN)) : dictionary.numeric()
    const zones = this.#capacity / ZONE_SLOTS
    const made: NumberStore = {
      kind: 'number',
      values: new Float64Array(this.#capacity),
      tags: new Uint8Array(this.#capacity),
      isDate,
      zoneMin: new Float64Array(zones).fill(Infinity),
      zoneMax: new Float64Array(zones).fill(-Infinity),
      zoneGaps: new Uint8Array(zones),
    }
    made.values.fill(Number.NaN, this.#end)
    for (let slot = 0; slot < this.#end; slot++) {
      const code = codes[slot]!
      const value = numeric[code]!
      made.values[slot] = value
      made.tags[slot] = Math.min(code, PRESENT)
      widenZone(made, slot, value)
    }
    this.#store = made
    return true
  }

  #becomeVectors(store: CodedStore, dimension: number): void {
    if (this.#capacity * dimension * 4 > this.#mostBytes) {
      this.refuse(NO_MEMORY)
      return
    }
    this.#store = {
      kind: 'vector',
      dimension,
      vectors: new Float32Array(this.#capacity * dimension),
      // Only missing and null came so far, and their codes are their tags.
      tags: Uint8Array.from(store.codes),
    }
  }

  #setNumber(store: NumberStore, slot: number, value: Value | undefined): void {
    let number = Number.NaN
    let tag: number = PRESENT
    if (typeof value === 'number' && !store.isDate) number = value
    else if (value instanceof Date && store.isDate) number = value.getTime()
    else if (value === undefined) tag = MISSING
    else if (value === null) tag = NULL
    else {
      this.refuse(`many ${store.isDate ? 'dates' : 'numbers'}, mixed with other values`)
      return
    }
    store.values[slot] = number
    store.tags[slot] = tag
    widenZone(store, slot, number)
  }

  #setVector(store: VectorStore, slot: number, value: Value | undefined): void {
    const { dimension } = store
    if (value === undefined || value === null) {
      store.vectors.fill(0, slot * dimension, (slot + 1) * dimension)
      store.tags[slot] = value === undefined ? MISSING : NULL
    } else if (value instanceof Float32Array && value.length === dimension) {
      store.vectors.set(value, slot * dimension)
      store.tags[slot] = PRESENT
    } else {
      this.refuse('vectors that are not all float32 and of one length')
    }
  }
}

/** Bounds only widen: a value that is gone leaves them wider than they need be, which costs time and nothing else. */
function widenZone(store: NumberStore, slot: number, value: number): void {
  const zone = Math.floor(slot / ZONE_SLOTS)
  if (value < store.zoneMin[zone]!) store.zoneMin[zone] = value
  if (value > store.zoneMax[zone]!) store.zoneMax[zone] = value
  if (Number.isNaN(value)) store.zoneGaps[zone] = 1
}

function grown<T extends Codes>(from: T, length: number): T {
  invariant(length >= from.length, () => `a column of ${from.length} slots shrinks to ${length}`)
  // The constructor of a typed array makes its own kind.
  const to = new (from.constructor as new (length: number) => T)(length)
  to.set(from)
  return to
}

function grownFloats(from: Float64Array, length: number, filler: number): Float64Array {
  const to = new Float64Array(length)
  to.set(from)
  return to.fill(filler, from.length)
}

function grownVectors(from: Float32Array, length: number): Float32Array {
  const to = new Float32Array(length)
  to.set(from)
  return to
}
