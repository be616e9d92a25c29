/**
 * From a record to the keys of its entries in one index. One key as a rule; none where the index's `where` is not met;
 * with `each`, one for each distinct element of the array, ascending, and none where the part is missing or no array.
 *
 * A part that is missing still has a key (missing sorts first), so that scans find every record. Uniqueness asks only of
 * keys that are `complete`: no part of them is missing or null.
 */
import { compareBytes } from '../base/bytes.ts'
import { BlazeError } from '../base/errors.ts'
import { valueAt } from '../base/path.ts'
import type { StoredRecord, Value } from '../base/values.ts'
import { type KeyPartOptions, KeyWriter } from '../codec/key.ts'
import type { IndexSpec } from './index-spec.ts'

/** The longest key of an index, encoded. */
export const MAX_INDEX_KEY_BYTES = 4096

/** A key that grew a writer beyond this was refused, and the writer's buffer goes with it. */
const KEPT_WRITER_BYTES = 65_536

/** One key: bytes[0, size). */
export interface ExtractedKey {
  readonly bytes: Uint8Array
  readonly size: number
  /** No part is missing or null: the key counts for uniqueness. */
  readonly complete: boolean
}

interface KeySlot {
  bytes: Uint8Array
  size: number
  complete: boolean
}

export class KeyExtractor {
  readonly spec: IndexSpec
  readonly #matches: ((record: StoredRecord) => boolean) | undefined
  readonly #partOptions: readonly KeyPartOptions[]
  readonly #keys: KeySlot[] = []
  #writer = new KeyWriter()
  #count = 0

  /** `matches`: the spec's `where`, compiled; absent when there is none. */
  constructor(spec: IndexSpec, matches?: (record: StoredRecord) => boolean) {
    this.spec = spec
    this.#matches = matches
    this.#partOptions = spec.parts.map(({ descending }) => ({ descending, nocase: spec.nocase }))
  }

  /** Keys of the record extracted last. */
  get count(): number {
    return this.#count
  }

  /** A key of the record extracted last: the extractor's own buffer, valid until the next record. */
  key(index: number): ExtractedKey {
    return this.#keys[index]!
  }

  /** Makes the record's keys; returns how many. TOO_LARGE above MAX_INDEX_KEY_BYTES, UNSUPPORTED for vectors. */
  extract(record: StoredRecord): number {
    this.#count = 0
    if (this.#matches !== undefined && !this.#matches(record)) return 0
    if (this.spec.each) this.#extractEach(record)
    else this.#extractOne(record)
    return this.#count
  }

  #extractOne(record: StoredRecord): void {
    const { parts } = this.spec
    const writer = this.#writer
    writer.reset()
    let complete = true
    for (let i = 0; i < parts.length; i++) {
      const value = valueAt(record, parts[i]!.path)
      if (value === undefined || value === null) complete = false
      writer.append(value, this.#partOptions[i]!)
    }
    this.#checkSize()
    const key = this.#keySlot(0)
    key.bytes = writer.bytes
    key.size = writer.size
    key.complete = complete
    this.#count = 1
  }

  #extractEach(record: StoredRecord): void {
    const array = valueAt(record, this.spec.parts[0]!.path)
    if (!Array.isArray(array)) return
    const elements: readonly Value[] = array
    for (let i = 0; i < elements.length; i++) {
      this.#writer.reset()
      this.#writer.append(elements[i]!, this.#partOptions[0]!)
      this.#checkSize()
      const { bytes, size } = this.#writer
      const key = this.#keySlot(i)
      if (key.bytes.length < size) key.bytes = new Uint8Array(size * 2)
      for (let j = 0; j < size; j++) key.bytes[j] = bytes[j]!
      key.size = size
      key.complete = elements[i] !== null
    }
    this.#count = sortDistinct(this.#keys, elements.length)
  }

  #keySlot(index: number): KeySlot {
    let key = this.#keys[index]
    if (key === undefined) {
      key = { bytes: new Uint8Array(this.spec.each ? 32 : 0), size: 0, complete: false }
      this.#keys[index] = key
    }
    return key
  }

  #checkSize(): void {
    const { size, bytes } = this.#writer
    if (size <= MAX_INDEX_KEY_BYTES) return
    if (bytes.length > KEPT_WRITER_BYTES) this.#writer = new KeyWriter()
    throw new BlazeError(
      'TOO_LARGE',
      `A key of the index ${JSON.stringify(this.spec.name)} takes ${size} bytes, more than ${MAX_INDEX_KEY_BYTES}. Nothing was written; index a shorter field, or search text with \`search\`.`,
      { limit: MAX_INDEX_KEY_BYTES, actual: size },
    )
  }
}

/** Sorts the first `count` keys and brings the distinct ones to the front; returns how many they are. */
function sortDistinct(keys: KeySlot[], count: number): number {
  const sorted = keys.slice(0, count).sort((a, b) => compareBytes(a.bytes, 0, a.size, b.bytes, 0, b.size))
  const distinct: KeySlot[] = []
  const spare: KeySlot[] = []
  for (const key of sorted) {
    const last = distinct.at(-1)
    const repeated = last !== undefined && compareBytes(last.bytes, 0, last.size, key.bytes, 0, key.size) === 0
    ;(repeated ? spare : distinct).push(key)
  }
  for (let i = 0; i < distinct.length; i++) keys[i] = distinct[i]!
  for (let i = 0; i < spare.length; i++) keys[distinct.length + i] = spare[i]!
  return distinct.length
}
