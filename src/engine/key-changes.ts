/**
 * The index keys that the writes of one commit add and drop, in one buffer and one table: objects and an array for each
 * key were most of what the garbage collector saw of a batch.
 *
 *   bytes   key key key …
 *   table   index | start, size | dropped, complete, kept | begin        one row a key, the rows of a write together
 *
 * Filled while a commit is prepared and read while it is installed, in the same turn; begun anew by the next one.
 */
import type { CommitNumber } from '../base/ids.ts'
import { invariant } from '../base/invariant.ts'
import type { StoredRecord } from '../base/values.ts'
import { MAX_INDEX_KEY_BYTES } from '../indexes/key-extractor.ts'
import type { IndexKey, IndexState } from './index-state.ts'

const DROPPED = 1
const COMPLETE = 2
/** The record had the key and has it still. */
const KEPT = 4

/** The begin of a row that nobody has looked for. */
const UNKNOWN = -1

const FIRST_BYTES = 4096
const FIRST_ROWS = 256
/** A buffer that one commit made larger is not kept. */
const KEPT_BYTES = 0x100000
const KEPT_ROWS = 0x10000

export class KeyChanges {
  readonly #indexes: IndexState[] = []
  #bytes: Uint8Array = new Uint8Array(FIRST_BYTES)
  #size = 0
  #starts = new Int32Array(FIRST_ROWS)
  #sizes = new Int32Array(FIRST_ROWS)
  #flags = new Uint8Array(FIRST_ROWS)
  #begins = new Float64Array(FIRST_ROWS)
  #count = 0
  /** Is any of the rows of a unique index? */
  concernsUnique = false
  /** A tree takes a key from the beginning of an array. */
  readonly #key = new Uint8Array(MAX_INDEX_KEY_BYTES)

  /** Forgets the commit before. */
  begin(): void {
    this.#indexes.length = 0
    this.#size = 0
    this.#count = 0
    this.concernsUnique = false
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = new Uint8Array(FIRST_BYTES)
    if (this.#flags.length > KEPT_ROWS) this.#resize(FIRST_ROWS)
  }

  /** Rows so far: a write's are those between two looks at it. */
  get count(): number {
    return this.#count
  }

  /** Notes what a write does in one index; false when it changes nothing there. Throws what the extractor throws. */
  note(index: IndexState, before: StoredRecord | undefined, after: StoredRecord | undefined): boolean {
    const first = this.#count
    if (before !== undefined) this.#extract(index, before, DROPPED)
    const middle = this.#count
    if (after !== undefined) this.#extract(index, after, 0)
    const kept = middle === first ? 0 : this.#keep(first, middle)
    return this.#count - first > 2 * kept
  }

  /**
   * The record had the dropped keys of rows [from, to) since its last version, of commit `begin`, where the version
   * before, `older`, lacked them; else that stays open.
   */
  noteBegins(from: number, to: number, older: StoredRecord, begin: CommitNumber): void {
    for (let at = from; at < to; at++) {
      if ((this.#flags[at]! & (DROPPED | KEPT)) !== DROPPED) continue
      this.#begins[at] = this.#indexes[at]!.hasAny(older, [this.key(at)]) ? 0 : begin
    }
  }

  /** Does rows [from, to) drop anything? */
  drops(from: number, to: number): boolean {
    for (let at = from; at < to; at++) if ((this.#flags[at]! & (DROPPED | KEPT)) === DROPPED) return true
    return false
  }

  /** Visits the keys of unique indexes in rows [from, to) that change; added ones only when they count for uniqueness. */
  forUnique(from: number, to: number, visit: (index: IndexState, key: IndexKey, added: boolean) => void): void {
    for (let at = from; at < to; at++) {
      const flags = this.#flags[at]!
      const index = this.#indexes[at]!
      if (!index.spec.unique || (flags & KEPT) !== 0) continue
      const added = (flags & DROPPED) === 0
      if (!added || (flags & COMPLETE) !== 0) visit(index, this.key(at), added)
    }
  }

  /** Installs rows [from, to) for the record in `slot` at commit `end`. `begin`: for what noteBegins has not looked at. */
  apply(from: number, to: number, slot: number, begin: CommitNumber, end: CommitNumber): void {
    const key = this.#key
    for (let at = from; at < to; at++) {
      const flags = this.#flags[at]!
      if ((flags & KEPT) !== 0) continue
      const start = this.#starts[at]!
      const size = this.#sizes[at]!
      for (let i = 0; i < size; i++) key[i] = this.#bytes[start + i]!
      const since = this.#begins[at]!
      if ((flags & DROPPED) === 0) this.#indexes[at]!.add(key, size, (flags & COMPLETE) !== 0, slot)
      else this.#indexes[at]!.supersede(key, size, slot, since === UNKNOWN ? begin : (since as CommitNumber), end)
    }
  }

  /** A copy of one row's key. */
  key(at: number): IndexKey {
    const start = this.#starts[at]!
    return {
      bytes: this.#bytes.slice(start, start + this.#sizes[at]!),
      complete: (this.#flags[at]! & COMPLETE) !== 0,
    }
  }

  #extract(index: IndexState, record: StoredRecord, flag: number): void {
    const count = index.extract(record)
    if (index.spec.unique) this.concernsUnique = true
    for (let i = 0; i < count; i++) {
      const { bytes, size, complete } = index.extracted(i)
      invariant(size <= MAX_INDEX_KEY_BYTES, () => `an index key of ${size} bytes`)
      if (this.#size + size > this.#bytes.length) this.#growBytes(size)
      if (this.#count === this.#flags.length) this.#resize(2 * this.#count)
      const at = this.#count++
      const start = this.#size
      const target = this.#bytes
      for (let j = 0; j < size; j++) target[start + j] = bytes[j]!
      this.#size = start + size
      this.#indexes.push(index)
      this.#starts[at] = start
      this.#sizes[at] = size
      this.#flags[at] = flag | (complete ? COMPLETE : 0)
      this.#begins[at] = UNKNOWN
    }
  }

  /** Marks the keys that rows [first, middle) drop and the rows behind add again; returns how many. */
  #keep(first: number, middle: number): number {
    let kept = 0
    for (let added = middle; added < this.#count; added++) {
      for (let dropped = first; dropped < middle; dropped++) {
        if (!this.#same(added, dropped)) continue
        this.#flags[added]! |= KEPT
        this.#flags[dropped]! |= KEPT
        kept++
      }
    }
    return kept
  }

  #same(a: number, b: number): boolean {
    const size = this.#sizes[a]!
    if (size !== this.#sizes[b]) return false
    const bytes = this.#bytes
    const from = this.#starts[a]!
    const other = this.#starts[b]!
    for (let i = 0; i < size; i++) if (bytes[from + i] !== bytes[other + i]) return false
    return true
  }

  #growBytes(size: number): void {
    const bytes = new Uint8Array(2 * (this.#bytes.length + size))
    bytes.set(this.#bytes.subarray(0, this.#size))
    this.#bytes = bytes
  }

  #resize(rows: number): void {
    this.#starts = resized(this.#starts, new Int32Array(rows))
    this.#sizes = resized(this.#sizes, new Int32Array(rows))
    this.#flags = resized(this.#flags, new Uint8Array(rows))
    this.#begins = resized(this.#begins, new Float64Array(rows))
  }
}

function resized<T extends Int32Array | Uint8Array | Float64Array>(from: T, to: T): T {
  to.set(from.length > to.length ? from.subarray(0, to.length) : from)
  return to
}
