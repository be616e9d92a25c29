/**
 * Entries of one tree, gathered in any order and applied in the tree's: neighbours then fall into the same leaf, which
 * is found in the cache, and a tree that was empty gets full pages.
 *
 *   add(key, record) …  ─▶  bytes of all keys, one behind the other  ─▶  sorted by radix  ─▶  insert / delete
 *
 * Sorting is by the most significant byte first that the keys of a group do not share (McIlroy, Bostic, McIlroy,
 * "Engineering radix sort", 1993): keys of an index share much, and are often equal. Equal ones are sorted by record.
 *
 * A batch is bounded: whoever fills it applies it when it is full, and goes on.
 */
import { compareBytes } from '../base/bytes.ts'
import type { BTree, SortedEntry } from './btree.ts'
import { newKeyBuffer } from './btree-edit.ts'

/** More entries, or bytes of keys, are not gathered: some megabytes of memory, and merging larger ones gains little. */
const MOST_ENTRIES = 0x40000
const MOST_BYTES = 0x400000
const FIRST_ENTRIES = 256
const FIRST_BYTES = 4096
/** So few entries are sorted by comparing them. */
const FEW = 24
/** A byte, or the end of the key. */
const DIGITS = 257

/** The numbers of the entries, being sorted, and room for it. */
interface Sorting {
  readonly order: Uint32Array
  readonly spare: Uint32Array
  readonly digits: Uint16Array
}

export class EntryBatch {
  #bytes = new Uint8Array(FIRST_BYTES)
  /** Where each key begins; one more, where the next will. */
  #starts = new Uint32Array(FIRST_ENTRIES + 1)
  #records = new Uint32Array(FIRST_ENTRIES)
  #count = 0

  get count(): number {
    return this.#count
  }

  /** True when it must be applied before more is added. */
  get full(): boolean {
    return this.#count >= MOST_ENTRIES || this.#starts[this.#count]! >= MOST_BYTES
  }

  /** Adds (key[0, size), record); the bytes are copied. */
  add(key: Uint8Array, size: number, record: number): void {
    const at = this.#starts[this.#count]!
    this.#reserve(at + size)
    const bytes = this.#bytes
    for (let i = 0; i < size; i++) bytes[at + i] = key[i]!
    this.#records[this.#count++] = record
    this.#starts[this.#count] = at + size
  }

  /** Inserts the entries into a tree, in order; the batch is then empty. Those that are there already stay. */
  insertInto(tree: BTree): void {
    tree.insertSorted(this.#inOrder())
    this.#count = 0
  }

  /** Deletes the entries from a tree, in order; the batch is then empty. */
  deleteFrom(tree: BTree): void {
    for (const { key, keySize, record } of this.#inOrder()) tree.delete(key, keySize, record)
    this.#count = 0
  }

  /** The entries in the tree's order; each time the same object. */
  *#inOrder(): Generator<SortedEntry, void, undefined> {
    const bytes = this.#bytes
    const entry = { key: newKeyBuffer(), keySize: 0, record: 0 }
    for (const i of this.#sorted()) {
      const start = this.#starts[i]!
      const size = this.#starts[i + 1]! - start
      for (let at = 0; at < size; at++) entry.key[at] = bytes[start + at]!
      entry.keySize = size
      entry.record = this.#records[i]!
      yield entry
    }
  }

  #reserve(sizeBytes: number): void {
    if (sizeBytes > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(sizeBytes, this.#bytes.length * 2))
      bytes.set(this.#bytes)
      this.#bytes = bytes
    }
    if (this.#count < this.#records.length) return
    const starts = new Uint32Array(this.#records.length * 2 + 1)
    starts.set(this.#starts)
    this.#starts = starts
    const records = new Uint32Array(this.#records.length * 2)
    records.set(this.#records)
    this.#records = records
  }

  /** The numbers of the entries, in the tree's order. */
  #sorted(): Uint32Array {
    const order = new Uint32Array(this.#count)
    for (let i = 0; i < order.length; i++) order[i] = i
    this.#sort(
      { order, spare: new Uint32Array(order.length), digits: new Uint16Array(order.length) },
      0,
      order.length,
      0,
    )
    return order
  }

  /** Sorts order[from, to), whose keys agree in their first `depth` bytes. */
  #sort(sorting: Sorting, from: number, to: number, depth: number): void {
    const { order, spare, digits } = sorting
    if (to - from <= FEW) {
      this.#sortFew(order, from, to, depth)
      return
    }
    const at = this.#sharedBytes(order, from, to, depth)
    const ends = this.#countDigits(sorting, from, to, at)
    // ends[d] becomes where the entries of digit d begin, and, as they are placed, where they end.
    let sum = from
    for (let digit = 0; digit < DIGITS; digit++) {
      const count = ends[digit]!
      ends[digit] = sum
      sum += count
    }
    for (let i = from; i < to; i++) spare[ends[digits[i]!]!++] = order[i]!
    order.set(spare.subarray(from, to), from)
    // Digit 0: the keys end here, so they are equal.
    this.#sortRecords(order, from, ends[0]!)
    for (let digit = 1; digit < DIGITS; digit++) {
      const start = ends[digit - 1]!
      if (ends[digit]! - start > 1) this.#sort(sorting, start, ends[digit]!, at + 1)
    }
  }

  /** How many bytes all keys of order[from, to) share at their beginning: `depth` at least. */
  #sharedBytes(order: Uint32Array, from: number, to: number, depth: number): number {
    const bytes = this.#bytes
    const starts = this.#starts
    const first = starts[order[from]!]!
    let shared = starts[order[from]! + 1]! - first
    for (let i = from + 1; i < to && shared > depth; i++) {
      const start = starts[order[i]!]!
      const size = Math.min(shared, starts[order[i]! + 1]! - start)
      let at = depth
      while (at < size && bytes[start + at] === bytes[first + at]) at++
      shared = at
    }
    return shared
  }

  /** Counts the entries of order[from, to) by their digit at `depth`, which it notes: the byte + 1, 0 behind the key's end. */
  #countDigits({ order, digits }: Sorting, from: number, to: number, depth: number): Uint32Array {
    const bytes = this.#bytes
    const starts = this.#starts
    const counts = new Uint32Array(DIGITS)
    for (let i = from; i < to; i++) {
      const entry = order[i]!
      const at = starts[entry]! + depth
      const digit = at < starts[entry + 1]! ? bytes[at]! + 1 : 0
      digits[i] = digit
      counts[digit]!++
    }
    return counts
  }

  #sortFew(order: Uint32Array, from: number, to: number, depth: number): void {
    for (let i = from + 1; i < to; i++) {
      const entry = order[i]!
      let at = i
      for (; at > from && this.#compare(order[at - 1]!, entry, depth) > 0; at--) order[at] = order[at - 1]!
      order[at] = entry
    }
  }

  /** Sorts entries with equal keys. They were added in the order of their records, as a rule. */
  #sortRecords(order: Uint32Array, from: number, to: number): void {
    const records = this.#records
    let i = from + 1
    while (i < to && records[order[i - 1]!]! <= records[order[i]!]!) i++
    if (i >= to) return
    const words = new BigUint64Array(to - from)
    const halves = new Uint32Array(words.buffer)
    for (let j = from; j < to; j++) {
      halves[2 * (j - from)] = order[j]!
      halves[2 * (j - from) + 1] = records[order[j]!]!
    }
    words.sort()
    for (let j = from; j < to; j++) order[j] = halves[2 * (j - from)]!
  }

  /** Two entries whose keys agree in their first `depth` bytes. */
  #compare(a: number, b: number, depth: number): number {
    const bytes = this.#bytes
    const starts = this.#starts
    const order = compareBytes(bytes, starts[a]! + depth, starts[a + 1]!, bytes, starts[b]! + depth, starts[b + 1]!)
    return order !== 0 ? order : this.#records[a]! - this.#records[b]!
  }
}
