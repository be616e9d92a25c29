/**
 * An ordered index under many snapshots.
 *
 *   main      persistent B+tree   (key, record): what the newest installed versions say, and nothing else
 *   history   volatile B+tree     (key, record) → [begin, end) …: what older versions said (index-history.ts)
 *
 * A scan at snapshot S merges both by (key, record), an equal pair once. A main entry is sure when the record's newest
 * commit is ≤ S; else the version at S decides, which the caller knows ({@link RecordVisibility}). A history entry is
 * visible when one of its intervals holds S.
 *
 * Worked example. Commit 5 sets status of record 9 to 'open', commit 8 to 'done'.
 *   at 5   insert(open, 9)                                           main: (open, 9)
 *   at 8   supersede(open, 9, 5, 8), insert(done, 9)                 main: (done, 9)   history: (open, 9) [5, 8)
 *   scan at S = 6   main (done, 9): newest commit 8 > 6, the version at 6 says 'open': not visible; history: 5 ≤ 6 < 8: visible
 *
 * Invariants
 *  - main holds (key, record) exactly when the newest installed version of the record has the key;
 *  - for every live snapshot S and every record that had the key at S, the pair is in main or in history with S in it.
 *    So `begin` is not the last version's commit but the one since which the record has had the key without a break, as
 *    far back as a live snapshot can look; a caller that does not know passes 0, and the version at S decides.
 *
 * Uniqueness is asked of main in the commit turn. It does not: encode keys (key-extractor.ts), choose snapshots, decide
 * when history is garbage, write pages.
 */
import { compareBytes } from '../base/bytes.ts'
import { invariant } from '../base/invariant.ts'
import type { PageSpace } from '../pages/page-table.ts'
import { BTree, type BTreeMeta } from './btree.ts'
import type { BTreeCursor } from './btree-cursor.ts'
import { HISTORY_HOLDS, HISTORY_UNSURE, IndexHistory } from './index-history.ts'
import type { KeyBounds } from './key-bounds.ts'

/** What an index asks about records. */
export interface RecordVisibility {
  /** Commit number of the record's newest installed version, a deletion included. */
  newestCommit(record: number): number
  /** True when the record's version at the snapshot has this key in this index. */
  keyedAt(record: number, snapshot: number, key: Uint8Array, keySize: number): boolean
}

export class OrderedIndex {
  readonly #main: BTree
  readonly #history: IndexHistory

  constructor(spaces: { readonly main: PageSpace; readonly history: PageSpace }, meta?: BTreeMeta) {
    this.#main = new BTree(spaces.main, meta)
    this.#history = new IndexHistory(spaces.history)
  }

  /** What must be kept beside the main tree's pages. */
  meta(): BTreeMeta {
    return this.#main.meta()
  }

  /** The newest installed state: for uniqueness, the commit path, builds and statistics. Not to be changed. */
  get main(): BTree {
    return this.#main
  }

  /** Entries of the newest installed state. */
  get count(): number {
    return this.#main.count
  }

  /** Superseded intervals held for snapshots. */
  get historyCount(): number {
    return this.#history.count
  }

  /** Bytes of memory that history holds: these cannot be evicted. */
  get historyBytes(): number {
    return this.#history.sizeBytes
  }

  /** The newest installed version of the record has the key from now on. False if it had. */
  insert(key: Uint8Array, keySize: number, record: number): boolean {
    return this.#main.insert(key, keySize, record)
  }

  /** Removes an entry that no snapshot can see: in replay, and when a build is undone. False if it is not there. */
  remove(key: Uint8Array, keySize: number, record: number): boolean {
    return this.#main.delete(key, keySize, record)
  }

  /**
   * The newest installed version of the record no longer has the key, from commit `end` on; it had it without a break
   * since `begin` (0: unknown). Moves the entry from main into history.
   */
  supersede(key: Uint8Array, keySize: number, record: number, begin: number, end: number): void {
    invariant(this.#main.delete(key, keySize, record), () => `record ${record} has no such entry to supersede`)
    this.#history.add(key, keySize, record, begin, end)
  }

  /** The record whose newest installed version has exactly this key, or -1. Ask for complete keys only. */
  lookupUnique(key: Uint8Array, keySize: number): number {
    return this.#main.firstRecord(key, keySize)
  }

  /** Walks the entries within the bounds that are visible at the snapshot. */
  scan(bounds: KeyBounds, reverse: boolean, snapshot: number, visibility: RecordVisibility): IndexScan {
    return new IndexScan(this.#main, this.#history, { bounds, reverse, snapshot, visibility })
  }

  /** About how many entries of the newest installed state lie within the bounds. */
  estimateCount(bounds: KeyBounds): number {
    return this.#main.estimateCount(bounds)
  }

  /**
   * Drops history that `isGarbage`, looking at up to `limit` pairs (about 0.3 µs each). True when a whole round is done.
   */
  discardHistory(isGarbage: (begin: number, end: number) => boolean, limit: number): boolean {
    return this.#history.discard(isGarbage, limit)
  }

  /** Removes all entries, history included. */
  clear(): void {
    this.#main.clear()
    this.#history.clear()
  }

  check(): void {
    this.#main.check()
    this.#history.check()
  }
}

const ADVANCE = 0
const READY = 1
const ENDED = 2

/**
 * A walk at one snapshot. Survives changes of the index and awaits between steps, as long as the snapshot is live: an
 * entry that moves from main to history ahead of it is found there, one behind it is not given again.
 */
export class IndexScan {
  readonly #historyEntries: IndexHistory
  readonly #main: BTreeCursor
  /** Made when there is history: mostly there is none. */
  #history: BTreeCursor | undefined
  readonly #bounds: KeyBounds
  readonly #reverse: boolean
  readonly #snapshot: number
  readonly #visibility: RecordVisibility
  #mainState = ADVANCE
  #historyState = ENDED
  #historyVersion = -1
  /** The cursor that holds the entry passed last. */
  #last: BTreeCursor | undefined

  /** Record number of the current entry. */
  record = 0
  /** True when the record has not changed since the snapshot: then its newest version has the key. */
  isSure = false

  constructor(
    main: BTree,
    history: IndexHistory,
    query: {
      readonly bounds: KeyBounds
      readonly reverse: boolean
      readonly snapshot: number
      readonly visibility: RecordVisibility
    },
  ) {
    this.#historyEntries = history
    this.#main = main.cursor(query.bounds, query.reverse)
    this.#bounds = query.bounds
    this.#reverse = query.reverse
    this.#snapshot = query.snapshot
    this.#visibility = query.visibility
  }

  /** The current entry's key in its first `keySize` bytes: valid until the next step. */
  get keyBytes(): Uint8Array {
    return this.#last!.keyBytes
  }

  get keySize(): number {
    return this.#last!.keySize
  }

  /** Goes to the next visible entry; false at the end. */
  next(): boolean {
    this.#followHistory()
    for (;;) {
      if (this.#mainState === ADVANCE) this.#mainState = this.#main.next() ? READY : ENDED
      if (this.#historyState === ADVANCE) this.#historyState = this.#history!.next() ? READY : ENDED
      if (this.#mainState === ENDED && this.#historyState === ENDED) return false
      const order = this.#order()
      const fromMain = order <= 0
      const fromHistory = order >= 0
      if (fromMain) this.#mainState = ADVANCE
      if (fromHistory) this.#historyState = ADVANCE
      const entry = fromMain ? this.#main : this.#history!
      this.#last = entry
      if (!this.#isVisible(entry, fromMain, fromHistory)) continue
      this.record = entry.record
      return true
    }
  }

  /**
   * Goes on by up to `most` entries at once and puts their record numbers into `records`; returns how many, 0 at the
   * end. Only while nothing was installed in the collection since the snapshot: main is then what the snapshot sees,
   * every entry of it sure, and history has nothing to add. Where that has ended, `next` goes on behind the last entry.
   */
  nextNewest(records: Uint32Array, most: number): number {
    invariant(this.#history === undefined, () => 'a scan that has met history does not go back to the newest entries')
    const count = this.#main.nextRecords(records, most)
    if (count > 0) this.#last = this.#main
    return count
  }

  /** Entries may have come into history ahead of us, also before the one it is at: it starts again from the last passed. */
  #followHistory(): void {
    const { version, count } = this.#historyEntries.tree
    if (this.#historyVersion === version) return
    this.#historyVersion = version
    if (this.#history === undefined && count === 0) return
    this.#history ??= this.#historyEntries.cursor(this.#bounds, this.#reverse)
    this.#historyState = ADVANCE
    const last = this.#last
    if (last !== undefined) this.#history.moveTo(last.keyBytes, last.keySize, last.record)
  }

  /** Which of the two comes first: main (< 0), history (> 0), or both are the same pair. */
  #order(): number {
    if (this.#historyState === ENDED) return -1
    if (this.#mainState === ENDED) return 1
    const main = this.#main
    const history = this.#history!
    const keys = compareBytes(main.keyBytes, 0, main.keySize, history.keyBytes, 0, history.keySize)
    const order = keys !== 0 ? keys : main.record - history.record
    return this.#reverse ? -order : order
  }

  #isVisible(entry: BTreeCursor, fromMain: boolean, fromHistory: boolean): boolean {
    const snapshot = this.#snapshot
    const visibility = this.#visibility
    const { record } = entry
    this.isSure = fromMain && visibility.newestCommit(record) <= snapshot
    if (this.isSure) return true
    // Looked up anew: the intervals of the pair may have changed since the cursor came to it.
    const state = fromHistory
      ? this.#historyEntries.stateOf(entry.keyBytes, entry.keySize, record, snapshot)
      : HISTORY_UNSURE
    if (state === HISTORY_HOLDS) return true
    if (state !== HISTORY_UNSURE && !fromMain) return false
    return visibility.keyedAt(record, snapshot, entry.keyBytes, entry.keySize)
  }
}
