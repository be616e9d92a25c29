/**
 * Entries of one tree, gathered in any order and applied in the tree's: neighbours then fall into the same leaf, which
 * is found in the cache, and a tree that was empty gets full pages.
 *
 *   add(key, record) …  ─▶  bytes of all keys, one behind the other  ─▶  sorted by heads of 4 bytes  ─▶  insert / delete
 *
 * Sorting is by radix, coarsest first: the four bytes of each key behind what all share, with the entry's number below
 * them, make 64-bit words that the runtime sorts natively. Entries whose heads are equal are sorted by the next four
 * bytes, in the end by record. 240,000 keys take 30 ms so, and 190 ms by a comparison in script.
 *
 * A batch is bounded: whoever fills it applies it when it is full, and goes on.
 */
import { compareBytes } from '../base/bytes.ts'
import type { BTree, SortedEntry } from './btree.ts'
import { newKeyBuffer } from './btree-edit.ts'
import { headOf } from './btree-node.ts'

/** More entries, or bytes of keys, are not gathered: some megabytes of memory, and merging larger ones gains little. */
const MOST_ENTRIES = 0x40000
const MOST_BYTES = 0x400000
const FIRST_ENTRIES = 256
const FIRST_BYTES = 4096
/** So few entries are sorted by comparing them. */
const FEW = 16

export class EntryBatch {
  #bytes = new Uint8Array(FIRST_BYTES)
  /** Where each key begins; one more, where the next will. */
  #starts = new Uint32Array(FIRST_ENTRIES + 1)
  #records = new Uint32Array(FIRST_ENTRIES)
  #count = 0
  #longest = 0

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
    if (size > this.#longest) this.#longest = size
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
    this.#sort(order, this.#sharedByAll())
    return order
  }

  /** Sorts entries that agree in their first `depth` bytes. */
  #sort(order: Uint32Array, depth: number): void {
    if (this.#isSorted(order, depth)) return
    if (order.length <= FEW) {
      order.sort((a, b) => this.#compare(a, b, depth))
      return
    }
    // Behind the last byte of every key only the record decides, but for keys that differ by zeros at their ends.
    const byRecord = depth >= this.#longest
    const words = new BigUint64Array(order.length)
    const halves = new Uint32Array(words.buffer)
    for (let i = 0; i < order.length; i++) {
      const entry = order[i]!
      halves[2 * i] = entry
      halves[2 * i + 1] = byRecord ? this.#records[entry]! : this.#headAt(entry, depth)
    }
    words.sort()
    for (let i = 0; i < order.length; i++) order[i] = halves[2 * i]!
    if (byRecord) {
      if (!this.#isSorted(order, 0)) order.sort((a, b) => this.#compare(a, b, 0))
      return
    }
    for (let from = 0; from < order.length; ) {
      let to = from + 1
      while (to < order.length && halves[2 * to + 1] === halves[2 * from + 1]) to++
      if (to > from + 1) this.#sort(order.subarray(from, to), Math.min(depth + 4, this.#longest))
      from = to
    }
  }

  #headAt(entry: number, depth: number): number {
    const start = this.#starts[entry]!
    const size = this.#starts[entry + 1]! - start
    return size <= depth ? 0 : headOf(this.#bytes, start + depth, start + size)
  }

  #isSorted(order: Uint32Array, depth: number): boolean {
    for (let i = 1; i < order.length; i++) if (this.#compare(order[i - 1]!, order[i]!, depth) > 0) return false
    return true
  }

  /** How many bytes all keys share at their beginning. */
  #sharedByAll(): number {
    if (this.#count === 0) return 0
    const starts = this.#starts
    const first = this.#bytes.subarray(0, starts[1]!)
    let shared = first.length
    for (let i = 1; i < this.#count && shared > 0; i++) {
      const start = starts[i]!
      const size = Math.min(shared, starts[i + 1]! - start)
      let at = 0
      while (at < size && this.#bytes[start + at] === first[at]) at++
      shared = at
    }
    return shared
  }

  /** Two entries, by what lies behind the first `depth` bytes of their keys. */
  #compare(a: number, b: number, depth: number): number {
    const bytes = this.#bytes
    const starts = this.#starts
    const aStart = Math.min(starts[a]! + depth, starts[a + 1]!)
    const bStart = Math.min(starts[b]! + depth, starts[b + 1]!)
    const order = compareBytes(bytes, aStart, starts[a + 1]!, bytes, bStart, starts[b + 1]!)
    if (order !== 0) return order
    // Alike but for zeros at their ends, which heads do not show.
    const sizes = starts[a + 1]! - starts[a]! - (starts[b + 1]! - starts[b]!)
    return sizes !== 0 ? sizes : this.#records[a]! - this.#records[b]!
  }
}
