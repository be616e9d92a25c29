/**
 * The superseded entries of one index: which records had which key during [begin, end), in commit numbers. Volatile: a
 * second B+tree holds the pairs (key, record number), and beside each the head of its intervals, chained in a pool of
 * typed arrays (a record may have had a key, lost it and had it again).
 *
 *   tree (volatile pages)   (key, record) → interval → next interval → …
 *
 * Kept for snapshots only: an interval in which no live snapshot falls is garbage, whatever older snapshots live.
 */
import { invariant } from '../base/invariant.ts'
import type { PageSpace } from '../pages/page-table.ts'
import { BTree } from './btree.ts'
import type { BTreeCursor } from './btree-cursor.ts'
import { ALL_KEYS, type KeyBounds } from './key-bounds.ts'

/** What an interval chain says about a snapshot. */
export const HISTORY_ABSENT = 0
export const HISTORY_HOLDS = 1
/** An interval of unknown beginning ends behind the snapshot: the version at the snapshot decides. */
export const HISTORY_UNSURE = 2

/** The end of a chain; also what `BTree.valueOf` gives for a pair that is not there. Never beside a pair of the tree. */
const NONE = -1

export class IndexHistory {
  readonly tree: BTree
  #begin: Float64Array = new Float64Array(16)
  #end: Float64Array = new Float64Array(16)
  #link: Int32Array = new Int32Array(16)
  #used = 0
  #freeHead = NONE
  #count = 0
  #sweep: BTreeCursor | undefined

  constructor(space: PageSpace) {
    invariant(!space.persistent, () => 'index history belongs into volatile pages')
    this.tree = new BTree(space, undefined, { values: true })
  }

  /** Intervals held. */
  get count(): number {
    return this.#count
  }

  /** Bytes of memory held. */
  get sizeBytes(): number {
    return this.tree.sizeBytes + this.#link.length * 20
  }

  /** The record had the key during [begin, end). Begin 0: since when is unknown. */
  add(key: Uint8Array, keySize: number, record: number, begin: number, end: number): void {
    // What came and went in one commit was never visible.
    if (begin >= end) return
    const head = this.tree.valueOf(key, keySize, record)
    if (begin === 0 && this.#extendUnknown(head, end)) return
    const interval = this.#take(begin, end, head)
    if (head === NONE) this.tree.insert(key, keySize, record, interval)
    else this.tree.setValue(key, keySize, record, interval)
  }

  /** What the intervals of the pair say about a snapshot. */
  stateOf(key: Uint8Array, keySize: number, record: number, snapshot: number): number {
    let state = HISTORY_ABSENT
    const head = this.tree.valueOf(key, keySize, record)
    for (let interval = head; interval !== NONE; interval = this.#link[interval]!) {
      if (snapshot >= this.#end[interval]!) continue
      const begin = this.#begin[interval]!
      if (begin === 0) state = HISTORY_UNSURE
      else if (begin <= snapshot) return HISTORY_HOLDS
    }
    return state
  }

  cursor(bounds: KeyBounds, reverse: boolean): BTreeCursor {
    return this.tree.cursor(bounds, reverse)
  }

  /**
   * Drops intervals that `isGarbage`, looking at up to `limit` pairs from where the last call stopped. True when the
   * round is complete; the next call begins a new one.
   */
  discard(isGarbage: (begin: number, end: number) => boolean, limit: number): boolean {
    this.#sweep ??= this.tree.cursor(ALL_KEYS, false)
    const sweep = this.#sweep
    for (let looked = 0; looked < limit; looked++) {
      if (!sweep.next()) {
        this.#sweep = undefined
        return true
      }
      const head = this.#prune(sweep.value, isGarbage)
      if (head === NONE) this.tree.delete(sweep.keyBytes, sweep.keySize, sweep.record)
      else if (head !== sweep.value) this.tree.setValue(sweep.keyBytes, sweep.keySize, sweep.record, head)
    }
    return false
  }

  clear(): void {
    this.tree.clear()
    this.#used = 0
    this.#freeHead = NONE
    this.#count = 0
    this.#sweep = undefined
  }

  /** Asserts that the tree is sound and that every interval of the pool is in one chain or free. */
  check(): void {
    this.tree.check()
    const seen = new Uint8Array(this.#used)
    let held = 0
    const visit = (from: number): void => {
      for (let interval = from; interval !== NONE; interval = this.#link[interval]!) {
        invariant(seen[interval] === 0, () => `interval ${interval} is in two chains`)
        seen[interval] = 1
        held++
      }
    }
    const cursor = this.tree.cursor(ALL_KEYS, false)
    while (cursor.next()) {
      invariant(cursor.value < this.#used, () => `a pair of the history has interval ${cursor.value}`)
      visit(cursor.value)
    }
    invariant(held === this.#count, () => `${held} intervals, counted ${this.#count}`)
    visit(this.#freeHead)
    invariant(held === this.#used, () => `${this.#used - held} intervals are lost`)
  }

  /** Frees the garbage of a chain; returns its new head. */
  #prune(head: number, isGarbage: (begin: number, end: number) => boolean): number {
    let newHead = head
    let previous = NONE
    for (let interval = head; interval !== NONE; ) {
      const next = this.#link[interval]!
      if (isGarbage(this.#begin[interval]!, this.#end[interval]!)) {
        if (previous === NONE) newHead = next
        else this.#link[previous] = next
        this.#link[interval] = this.#freeHead
        this.#freeHead = interval
        this.#count--
      } else previous = interval
      interval = next
    }
    return newHead
  }

  /** One interval of unknown beginning says what many say: a record that flips between two keys costs two of them. */
  #extendUnknown(head: number, end: number): boolean {
    for (let interval = head; interval !== NONE; interval = this.#link[interval]!) {
      if (this.#begin[interval] !== 0) continue
      this.#end[interval] = Math.max(this.#end[interval]!, end)
      return true
    }
    return false
  }

  #take(begin: number, end: number, next: number): number {
    let interval = this.#freeHead
    if (interval === NONE) {
      interval = this.#used++
      if (interval === this.#link.length) this.#grow()
    } else this.#freeHead = this.#link[interval]!
    this.#begin[interval] = begin
    this.#end[interval] = end
    this.#link[interval] = next
    this.#count++
    return interval
  }

  #grow(): void {
    const size = this.#link.length * 2
    const begin = new Float64Array(size)
    begin.set(this.#begin)
    this.#begin = begin
    const end = new Float64Array(size)
    end.set(this.#end)
    this.#end = end
    const link = new Int32Array(size)
    link.set(this.#link)
    this.#link = link
  }
}
