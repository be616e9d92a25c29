/**
 * Kernel: slots parted by some columns and, within each part, ordered by others: what windows are worked out along.
 *
 *   add(from, to) …      the slots that pass, with copies of their values: later commits change nothing of it
 *   step(most) …         sorted by digits (radix.ts), the parts first; then ties by `compareSlots`, if that matters
 *   order, starts, ties  places ──▶ items; where a part begins; where a row ties with the one before
 *
 * Every key becomes whole numbers whose order is that of the key: the code of a part, the rank of a coded value, the bits
 * of a float64. Null and missing, NaN and -0 have the places that `compareValues` gives them.
 */
import { invariant } from '../base/invariant.ts'
import type { Value } from '../base/values.ts'
import { codeSource, numberSource } from './accumulator.ts'
import {
  type ColumnRef,
  type ColumnTest,
  type KernelOptions,
  type LiveSlots,
  MISSING,
  NULL,
  PRESENT,
} from './column.ts'
import type { Dictionary } from './dictionary.ts'
import { compileFilter, type Filter } from './filter.ts'
import { type RadixKey, RadixSort } from './radix.ts'
import type { TopKey } from './top.ts'

export interface ArrangeSpec {
  /** Coded columns. */
  readonly partitionBy: readonly ColumnRef[]
  /** Coded columns and columns of numbers. */
  readonly orderBy: readonly Omit<TopKey, 'nocase'>[]
  /** Further columns whose values are wanted later. */
  readonly values: readonly ColumnRef[]
  readonly where?: ColumnTest
  /** The order of slots that tie in all keys; undefined when any will do. */
  readonly compareSlots: ((a: number, b: number) => number) | undefined
}

/** Bytes that an item takes in all arrays, by keys and values of the spec. */
export function arrangedBytes({ partitionBy, orderBy, values }: ArrangeSpec): number {
  return 16 + 4 * partitionBy.length + 9 * (orderBy.length + values.length) + 8 * orderBy.length
}

/** True for a column that can be parted by, ordered by, or kept. */
export function canArrange({ column }: ColumnRef): boolean {
  return column.kind !== 'vector'
}

export class ArrangeRun {
  readonly #spec: ArrangeSpec
  readonly #filter: Filter
  readonly #parts: readonly CopiedCodes[]
  readonly #keys: readonly Copied[]
  readonly #values: readonly Copied[]
  #slots = new Uint32Array(0)
  #count = 0
  #radix: RadixSort | undefined
  #partKeys: readonly RadixKey[] = []
  /** The numbers of the order's keys, made when all slots are there. */
  readonly #numbers: RadixKey[] = []
  #settledTo = 0
  #partition = -1
  /** By place: the number of the part. */
  #partitions = new Uint32Array(0)
  /** By place: 1 when it ties with the place before. */
  #ties = new Uint8Array(0)

  constructor(live: LiveSlots, spec: ArrangeSpec, options: KernelOptions = {}) {
    this.#spec = spec
    this.#filter = compileFilter(live, spec.where, options)
    this.#parts = spec.partitionBy.map(copiedCodes)
    this.#keys = spec.orderBy.map(({ ref }) => copied(ref))
    this.#values = spec.values.map(copied)
  }

  /** Items so far. */
  get count(): number {
    return this.#count
  }

  /** Adds the passing slots of a range of sure slots. Returns how many. */
  add(from: number, to: number): number {
    this.#reserve(this.#count + to - from)
    const first = this.#count
    const added = this.#filter.select(from, to, first === 0 ? this.#slots : this.#slots.subarray(first))
    this.#count += added
    for (const column of [...this.#parts, ...this.#keys, ...this.#values]) column.add(this.#slots, first, this.#count)
    return added
  }

  /** Sorts, and settles ties, of about that many items. True when all is done; nothing is added after the first call. */
  step(most: number): boolean {
    const made = this.#numbers.length
    if (made < this.#keys.length) {
      this.#numbers.push(this.#keys[made]!.orderKey(this.#spec.orderBy[made]!, this.#count))
      return false
    }
    if (this.#radix === undefined) {
      const count = this.#count
      this.#partKeys = this.#parts.map((part) => part.codeKey())
      this.#radix = new RadixSort([...this.#partKeys, ...this.#numbers], count)
      this.#partitions = new Uint32Array(count)
      this.#ties = new Uint8Array(count)
      return false
    }
    return this.#radix.step(most) && this.#settle(most)
  }

  /** The item at each place of the order. */
  get order(): Uint32Array {
    return this.#radix!.order
  }

  /** By place: the number of the part it lies in. */
  get partitions(): Uint32Array {
    return this.#partitions
  }

  /** By place: 1 when its keys are those of the place before, in one part. */
  get ties(): Uint8Array {
    return this.#ties
  }

  slotOf(item: number): number {
    return this.#slots[item]!
  }

  /** The value of an item in a column of `values`. */
  valueOf(item: number, column: number): Value | undefined {
    return this.#values[column]!.valueOf(item)
  }

  /** Where parts begin and what ties, some places on; then runs of ties are put in order. */
  #settle(most: number): boolean {
    const { order } = this
    const from = this.#settledTo
    const to = Math.min(this.#count, from + most)
    const differs = this.#ties
    for (const key of this.#partKeys) noteDifferences(key, order, from, to, PART_DIFFERS, differs)
    for (const key of this.#numbers) noteDifferences(key, order, from, to, KEY_DIFFERS, differs)
    this.#partition = numberParts(differs, from, to, this.#partition, this.#partitions)
    this.#settledTo = to
    if (to < this.#count) return false
    const { compareSlots } = this.#spec
    if (compareSlots !== undefined) this.#orderTies(compareSlots)
    return true
  }

  #orderTies(compareSlots: (a: number, b: number) => number): void {
    const { order } = this
    const slots = this.#slots
    const ties = this.#ties
    for (let start = 0; start < this.#count; ) {
      let end = start + 1
      while (end < this.#count && ties[end] === 1) end++
      if (end - start > 1) order.subarray(start, end).sort((a, b) => compareSlots(slots[a]!, slots[b]!))
      start = end
    }
  }

  #reserve(count: number): void {
    if (count <= this.#slots.length) return
    const size = Math.max(count, 2 * this.#slots.length)
    this.#slots = widened(this.#slots, new Uint32Array(size))
    for (const column of [...this.#parts, ...this.#keys, ...this.#values]) column.reserve(size)
  }
}

/** While places are settled: in what a place differs from the one before. */
const PART_DIFFERS = 1
const KEY_DIFFERS = 2

function noteDifferences(
  { low, high }: RadixKey,
  order: Uint32Array,
  from: number,
  to: number,
  bit: number,
  differs: Uint8Array,
): void {
  noteWordDifferences(low, order, from, to, bit, differs)
  if (high !== undefined) noteWordDifferences(high, order, from, to, bit, differs)
}

function noteWordDifferences(
  words: Uint32Array,
  order: Uint32Array,
  from: number,
  to: number,
  bit: number,
  differs: Uint8Array,
): void {
  let before = from === 0 ? -1 : words[order[from - 1]!]!
  for (let at = from; at < to; at++) {
    const word = words[order[at]!]!
    if (word !== before) differs[at]! |= bit
    before = word
  }
}

/** From differences to ties, and the numbers of the parts. Returns that of the last one. */
function numberParts(differs: Uint8Array, from: number, to: number, before: number, partitions: Uint32Array): number {
  let partition = before
  for (let at = from; at < to; at++) {
    const difference = differs[at]!
    const isTogether = at > 0 && (difference & PART_DIFFERS) === 0
    if (!isTogether) partition++
    partitions[at] = partition
    differs[at] = isTogether && difference === 0 ? 1 : 0
  }
  return partition
}

/** What a column has for the items, copied: codes, or numbers with their tags. */
interface Copied {
  reserve(size: number): void
  add(slots: Uint32Array, from: number, to: number): void
  valueOf(item: number): Value | undefined
  /** Numbers in the order of the values. */
  orderKey(order: Omit<TopKey, 'ref'>, count: number): RadixKey
}

function copiedCodes(ref: ColumnRef): CopiedCodes {
  const coded = codeSource(ref)
  invariant(coded !== undefined, () => 'rows are parted by coded columns')
  return new CopiedCodes(coded.codes, coded.table, coded.dictionary)
}

function copied(ref: ColumnRef): Copied {
  if (ref.column.kind === 'coded') return copiedCodes(ref)
  const numbers = numberSource(ref, 'numbers')
  invariant(numbers !== undefined, () => 'vectors are in no order; canArrange says so')
  return new CopiedNumbers(numbers.codes, numbers, ref.column.kind === 'number' && ref.column.isDate)
}

class CopiedCodes implements Copied {
  readonly #from: ArrayLike<number>
  readonly #table: Uint32Array | undefined
  readonly #dictionary: Dictionary
  #codes = new Uint32Array(0)

  constructor(from: ArrayLike<number>, table: Uint32Array | undefined, dictionary: Dictionary) {
    this.#from = from
    this.#table = table
    this.#dictionary = dictionary
  }

  reserve(size: number): void {
    this.#codes = widened(this.#codes, new Uint32Array(size))
  }

  add(slots: Uint32Array, from: number, to: number): void {
    const codes = this.#codes
    const source = this.#from
    const table = this.#table
    for (let i = from; i < to; i++) codes[i] = source[slots[i]!]!
    if (table !== undefined) for (let i = from; i < to; i++) codes[i] = table[codes[i]!]!
  }

  valueOf(item: number): Value | undefined {
    return this.#dictionary.values[this.#codes[item]!]
  }

  /** Numbers that are equal where the values are. */
  codeKey(): RadixKey {
    return { low: this.#codes, high: undefined }
  }

  orderKey(order: Omit<TopKey, 'ref'>, count: number): RadixKey {
    const places = placesOf(this.#dictionary, order)
    const low = new Uint32Array(count)
    for (let i = 0; i < count; i++) low[i] = places[this.#codes[i]!]!
    return { low, high: undefined }
  }
}

/** By code where its value comes in the order, from 0. */
function placesOf(dictionary: Dictionary, { descending, nulls }: Omit<TopKey, 'ref'>): Uint32Array {
  const present = [...dictionary.order()]
  const order = descending ? [...present.reverse(), NULL, MISSING] : [MISSING, NULL, ...present]
  const isNullFirst = nulls === undefined ? !descending : nulls === 'first'
  const absent = order.filter((code) => code < PRESENT)
  const others = order.filter((code) => code >= PRESENT)
  const places = new Uint32Array(dictionary.size)
  for (const [place, code] of (isNullFirst ? [...absent, ...others] : [...others, ...absent]).entries()) {
    places[code] = place
  }
  return places
}

class CopiedNumbers implements Copied {
  readonly #codes: ArrayLike<number> | undefined
  readonly #source: { readonly values: Float64Array; readonly tags: Uint8Array }
  readonly #isDate: boolean
  #numbers = new Float64Array(0)
  #tags = new Uint8Array(0)

  constructor(
    codes: ArrayLike<number> | undefined,
    source: { readonly values: Float64Array; readonly tags: Uint8Array },
    isDate: boolean,
  ) {
    this.#codes = codes
    this.#source = source
    this.#isDate = isDate
  }

  reserve(size: number): void {
    this.#numbers = widened(this.#numbers, new Float64Array(size))
    this.#tags = widened(this.#tags, new Uint8Array(size))
  }

  add(slots: Uint32Array, from: number, to: number): void {
    const codes = this.#codes
    const { values, tags } = this.#source
    for (let i = from; i < to; i++) {
      const at = codes === undefined ? slots[i]! : codes[slots[i]!]!
      this.#numbers[i] = values[at]!
      this.#tags[i] = tags[at]!
    }
  }

  valueOf(item: number): Value | undefined {
    const tag = this.#tags[item]!
    if (tag !== PRESENT) return tag === NULL ? null : undefined
    return this.#isDate ? new Date(this.#numbers[item]!) : this.#numbers[item]!
  }

  orderKey({ descending, nulls }: Omit<TopKey, 'ref'>, count: number): RadixKey {
    // -0 is 0, and NaN has one form.
    const numbers = new Float64Array(count)
    for (let i = 0; i < count; i++) numbers[i] = this.#numbers[i]! + 0
    const words = new Uint32Array(numbers.buffer)
    const low = new Uint32Array(count)
    const high = new Uint32Array(count)
    const isNullFirst = nulls === undefined ? !descending : nulls === 'first'
    const flip = descending ? ALL_ONES : 0
    for (let i = 0; i < count; i++) {
      const tag = this.#tags[i]!
      if (tag !== PRESENT) {
        const place = descending ? NULL - tag : tag - MISSING
        high[i] = isNullFirst ? 0 : ALL_ONES
        low[i] = isNullFirst ? place : ALL_ONES - 1 + place
        continue
      }
      const upper = words[2 * i + 1]!
      if (Number.isNaN(numbers[i])) {
        high[i] = flip
        low[i] = flip === 0 ? NAN_PLACE : (ALL_ONES ^ NAN_PLACE) >>> 0
      } else if (upper >= SIGN) {
        high[i] = upper ^ ALL_ONES ^ flip
        low[i] = words[2 * i]! ^ ALL_ONES ^ flip
      } else {
        high[i] = upper ^ SIGN ^ flip
        low[i] = words[2 * i]! ^ flip
      }
    }
    return { low, high }
  }
}

const ALL_ONES = 0xffff_ffff
const SIGN = 0x8000_0000
/** Behind missing and null, before every number: their high words are above zero. */
const NAN_PLACE = 2

function widened<T extends Uint32Array | Uint8Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}
