/**
 * A B+tree over the pages of one space: keys are bytes, compared as unsigned numbers, entries are (key, record number)
 * and ascend strictly by both. It is what ordered indexes are made of, and knows nothing of them: no values of records,
 * no versions, no transactions.
 *
 *            ┌──────── interior: [first child] k1→child k2→child … ────────┐
 *            ▼                          ▼                                  ▼
 *      leaf (key, record)…        leaf (key, record)…               leaf (key, record)…
 *
 *   btree-node.ts   the page: slots with 4-byte heads, common prefix kept once, keys' rests in a heap
 *   btree-edit.ts   changing one page           btree-path.ts   root to leaf, leaf to leaf
 *   btree-split.ts  adding, with room or not    btree-merge.ts  too thin        btree-cursor.ts  ordered walks
 *
 * A separator is the shortest key that parts its neighbours; when both sides have the same key, it is the right side's
 * (key, record). Entries equal to a separator lie to its right. Separators may outlive the entries they were made from.
 *
 * Invariants (check() walks them all)
 *  - every page below a separator holds what belongs there; leaves are never empty; an empty tree has no page;
 *  - a page's heap is live bytes plus counted garbage; its prefix is shared by all its keys;
 *  - pages of the space = pages of the tree + its free list;
 *  - `version` rises with every change, so a cursor knows when its place is void.
 *
 * Cost: O(log n) pages touched for insert, delete and lookup, at 1M keys of 17 bytes 3 pages. Synchronous throughout; a
 * cold page is read by the page table. An error while reading one leaves the tree as it was.
 *
 * It does not: keep leaves linked (a split would dirty a third page), balance by moving entries between pages that stay,
 * keep anything for older snapshots (ordered-index.ts does, with a second tree). Sources: Graefe, "Modern B-Tree
 * Techniques", 2011, sections 3.5 (prefix truncation, poor man's normalised keys) and 5.4 (splits of sorted insertions).
 */
import { invariant } from '../base/invariant.ts'
import type { PageSpace } from '../pages/page-table.ts'
import { FRAME_BITS, FRAME_MASK, PAGE_SIZE, WORD_BITS } from '../pages/slabs.ts'
import { checkTree } from './btree-check.ts'
import { BTreeCursor } from './btree-cursor.ts'
import { initNode, insertSlot, newKeyBuffer, removeSlot } from './btree-edit.ts'
import { estimateRange } from './btree-estimate.ts'
import { afterRemoval } from './btree-merge.ts'
import {
  COUNT,
  childAt,
  FIRST_CHILD,
  hasKey,
  isEntry,
  MAX_KEY_BYTES,
  MAX_RECORD,
  NARROW_SLOT,
  slotWord,
  WIDE_SLOT,
} from './btree-node.ts'
import { advance, descend, newTreePath, stepLeaf, type TreeCore, type TreePath } from './btree-path.ts'
import { insertByRewriting, insertIfRoom, type PendingEntry } from './btree-split.ts'
import type { KeyBounds } from './key-bounds.ts'

/** What of a tree must be kept beside its pages. */
export interface BTreeMeta {
  /** -1 while the tree is empty. */
  readonly rootPage: number
  readonly height: number
  /** Entries. */
  readonly count: number
  readonly leafCount: number
  readonly interiorCount: number
  /** Words of a leaf's slot: 4 when entries carry a value, else 3. */
  readonly leafWords: number
}

/** An entry of a sorted input. The same object may be yielded again with other content. */
export interface SortedEntry {
  readonly key: Uint8Array
  readonly keySize: number
  readonly record: number
}

/** What became of an insertion. */
const PRESENT = 0
const ADDED = 1
const SPLIT = 2

export class BTree {
  readonly #core: TreeCore
  readonly #path: TreePath = newTreePath()
  readonly #entry: PendingEntry = { key: new Uint8Array(0), keySize: 0, record: 0, extra: 0 }
  /** A separator is built at one level while the one below is still read. */
  readonly #separators: readonly [PendingEntry, PendingEntry] = [newSeparator(), newSeparator()]

  /** `values`: each entry carries a 32-bit number. With `meta` given, that decides. */
  constructor(space: PageSpace, meta?: BTreeMeta, options?: { readonly values?: boolean }) {
    this.#core = {
      space,
      slabs: space.store.slabs,
      leafWords: meta?.leafWords ?? (options?.values === true ? WIDE_SLOT : NARROW_SLOT),
      rootPage: meta?.rootPage ?? -1,
      height: meta?.height ?? 0,
      count: meta?.count ?? 0,
      leafCount: meta?.leafCount ?? 0,
      interiorCount: meta?.interiorCount ?? 0,
      version: 0,
    }
  }

  /** A tree of entries that ascend strictly; full pages. The space must be empty. */
  static build(space: PageSpace, entries: Iterable<SortedEntry>): BTree {
    const tree = new BTree(space)
    tree.insertSorted(entries)
    return tree
  }

  /** Plain numbers, to be kept with the pages. */
  meta(): BTreeMeta {
    const { rootPage, height, count, leafCount, interiorCount, leafWords } = this.#core
    return { rootPage, height, count, leafCount, interiorCount, leafWords }
  }

  /** Entries. */
  get count(): number {
    return this.#core.count
  }

  /** Changes with every change of the tree. */
  get version(): number {
    return this.#core.version
  }

  /** Bytes of the tree's pages. */
  get sizeBytes(): number {
    return (this.#core.leafCount + this.#core.interiorCount) * PAGE_SIZE
  }

  /** What the functions beside this class (statistics) walk. */
  get core(): Readonly<TreeCore> {
    return this.#core
  }

  /** Adds (key, record); false if it is there. */
  insert(key: Uint8Array, keySize: number, record: number, value = 0): boolean {
    const core = this.#core
    invariant(
      keySize <= MAX_KEY_BYTES && record >= 0 && record <= MAX_RECORD,
      () => `entry of ${keySize} bytes, record ${record}`,
    )
    if (core.height === 0) this.#plant()
    descend(core, this.#path, key, keySize, record)
    return this.#insertHere(key, keySize, record, value) !== PRESENT
  }

  /** Adds entries that do not descend; those that are there stay. Several times as fast as one after the other. */
  insertSorted(entries: Iterable<SortedEntry>): void {
    const core = this.#core
    let outcome = SPLIT
    for (const { key, keySize, record } of entries) {
      invariant(keySize <= MAX_KEY_BYTES && record <= MAX_RECORD, () => `entry of ${keySize} bytes, record ${record}`)
      if (core.height === 0) this.#plant()
      if (outcome === SPLIT || !advance(core, this.#path, key, keySize, record)) {
        descend(core, this.#path, key, keySize, record)
      }
      outcome = this.#insertHere(key, keySize, record, 0)
    }
  }

  /** Removes (key, record); false if it is not there. */
  delete(key: Uint8Array, keySize: number, record: number): boolean {
    const core = this.#core
    if (core.height === 0) return false
    const path = this.#path
    descend(core, path, key, keySize, record)
    const page = path.pages[0]!
    const slot = path.slots[0]!
    const frame = core.space.read(page)
    const words = core.slabs.u32[frame >>> FRAME_BITS]!
    const w0 = (frame & FRAME_MASK) << WORD_BITS
    if (!isEntry(words, core.slabs.u8[frame >>> FRAME_BITS]!, w0, slot, key, keySize, record)) return false
    core.space.write(page)
    removeSlot(words, w0, slot)
    core.count--
    core.version++
    afterRemoval(core, path)
    return true
  }

  /** True if (key, record) is there. */
  has(key: Uint8Array, keySize: number, record: number): boolean {
    return this.#find(key, keySize, record) >= 0
  }

  /** The lowest record number with exactly this key, or -1. */
  firstRecord(key: Uint8Array, keySize: number): number {
    const core = this.#core
    if (core.height === 0) return -1
    descend(core, this.#path, key, keySize, 0)
    let frame = core.space.read(this.#path.pages[0]!)
    let slot = this.#path.slots[0]!
    if (slot === core.slabs.u32[frame >>> FRAME_BITS]![((frame & FRAME_MASK) << WORD_BITS) + COUNT]) {
      // Behind the leaf's last entry: the key may begin the next leaf.
      if (!stepLeaf(core, this.#path, false)) return -1
      frame = core.space.read(this.#path.pages[0]!)
      slot = 0
    }
    const words = core.slabs.u32[frame >>> FRAME_BITS]!
    const w0 = (frame & FRAME_MASK) << WORD_BITS
    if (!hasKey(words, core.slabs.u8[frame >>> FRAME_BITS]!, w0, slot, key, keySize)) return -1
    return words[slotWord(words, w0, slot) + 2]!
  }

  /** The value beside (key, record), or -1 if the entry is not there. Only in trees with values. */
  valueOf(key: Uint8Array, keySize: number, record: number): number {
    invariant(this.#core.leafWords === WIDE_SLOT, () => 'this tree keeps no values')
    const frame = this.#find(key, keySize, record)
    if (frame < 0) return -1
    const words = this.#core.slabs.u32[frame >>> FRAME_BITS]!
    return words[slotWord(words, (frame & FRAME_MASK) << WORD_BITS, this.#path.slots[0]!) + 3]!
  }

  /** Sets the value beside an entry that is there. Keeps every cursor's place. */
  setValue(key: Uint8Array, keySize: number, record: number, value: number): void {
    invariant(this.#core.leafWords === WIDE_SLOT, () => 'this tree keeps no values')
    const frame = this.#find(key, keySize, record)
    invariant(frame >= 0, () => `no entry of record ${record} to set a value of`)
    this.#core.space.write(this.#path.pages[0]!)
    const words = this.#core.slabs.u32[frame >>> FRAME_BITS]!
    words[slotWord(words, (frame & FRAME_MASK) << WORD_BITS, this.#path.slots[0]!) + 3] = value
  }

  /** A walk over the entries within the bounds, ascending or, `reverse`, descending. See btree-cursor.ts. */
  cursor(bounds: KeyBounds, reverse: boolean): BTreeCursor {
    return new BTreeCursor(this.#core, bounds, reverse)
  }

  /** About how many entries lie within the bounds, by two descents: exact within a leaf, extrapolated beyond. */
  estimateCount(bounds: KeyBounds): number {
    return estimateRange(this.#core, bounds)
  }

  /** Walks the whole tree and asserts every invariant of it. */
  check(): void {
    checkTree(this.#core)
  }

  /** Removes everything. O(pages). */
  clear(): void {
    const core = this.#core
    if (core.height === 0) return
    freeBelow(core, core.rootPage, core.height - 1)
    core.rootPage = -1
    core.height = 0
    core.count = 0
    core.leafCount = 0
    core.interiorCount = 0
    core.version++
  }

  /** Adds an entry where the path stands: PRESENT, ADDED, or SPLIT, when the path is void. */
  #insertHere(key: Uint8Array, keySize: number, record: number, value: number): number {
    const core = this.#core
    const page = this.#path.pages[0]!
    const slot = this.#path.slots[0]!
    const frame = core.space.read(page)
    const words = core.slabs.u32[frame >>> FRAME_BITS]!
    const bytes = core.slabs.u8[frame >>> FRAME_BITS]!
    const w0 = (frame & FRAME_MASK) << WORD_BITS
    if (isEntry(words, bytes, w0, slot, key, keySize, record)) return PRESENT
    core.space.write(page)
    const fits = insertIfRoom(words, bytes, w0, slot, key, keySize, record, value)
    if (!fits) this.#insertUpwards(key, keySize, record, value)
    core.count++
    core.version++
    return fits ? ADDED : SPLIT
  }

  /** The frame of the leaf that holds the entry, its slot in the path; or -1. */
  #find(key: Uint8Array, keySize: number, record: number): number {
    const core = this.#core
    if (core.height === 0) return -1
    descend(core, this.#path, key, keySize, record)
    const frame = core.space.read(this.#path.pages[0]!)
    const words = core.slabs.u32[frame >>> FRAME_BITS]!
    const bytes = core.slabs.u8[frame >>> FRAME_BITS]!
    const w0 = (frame & FRAME_MASK) << WORD_BITS
    return isEntry(words, bytes, w0, this.#path.slots[0]!, key, keySize, record) ? frame : -1
  }

  /** Makes the first leaf. */
  #plant(): void {
    const core = this.#core
    const page = core.space.allocate()
    const frame = core.space.write(page)
    const w0 = (frame & FRAME_MASK) << WORD_BITS
    const kind = core.leafWords << 8
    initNode(core.slabs.u32[frame >>> FRAME_BITS]!, core.slabs.u8[frame >>> FRAME_BITS]!, w0, kind, this.#entry.key, 0)
    core.rootPage = page
    core.height = 1
    core.leafCount = 1
  }

  /** Inserts at the path where the leaf has no room, and the separators of the splits into the parents. */
  #insertUpwards(key: Uint8Array, keySize: number, record: number, value: number): void {
    const core = this.#core
    const first = this.#entry
    first.key = key
    first.keySize = keySize
    first.record = record
    first.extra = value
    let entry = first
    loadFreePages(core)
    for (let level = 0; ; level++) {
      const separator = this.#separators[(level & 1) as 0 | 1]
      if (insertByRewriting(core, this.#path.pages[level]!, this.#path.slots[level]!, entry, separator)) return
      entry = separator
      if (level + 1 === core.height) {
        this.#raiseRoot(entry)
        return
      }
      const page = this.#path.pages[level + 1]!
      const frame = core.space.write(page)
      const words = core.slabs.u32[frame >>> FRAME_BITS]!
      const bytes = core.slabs.u8[frame >>> FRAME_BITS]!
      const w0 = (frame & FRAME_MASK) << WORD_BITS
      // The new page is the child behind the one that was split, so its separator's slot is that child's number.
      const slot = this.#path.slots[level + 1]!
      if (insertIfRoom(words, bytes, w0, slot, entry.key, entry.keySize, entry.record, entry.extra)) return
    }
  }

  #raiseRoot(separator: PendingEntry): void {
    const core = this.#core
    const page = core.space.allocate()
    const frame = core.space.write(page)
    const words = core.slabs.u32[frame >>> FRAME_BITS]!
    const bytes = core.slabs.u8[frame >>> FRAME_BITS]!
    const w0 = (frame & FRAME_MASK) << WORD_BITS
    initNode(words, bytes, w0, core.height | (WIDE_SLOT << 8), separator.key, 0)
    words[w0 + FIRST_CHILD] = core.rootPage
    insertSlot(words, bytes, w0, 0, separator.key, separator.keySize, separator.record, separator.extra)
    core.rootPage = page
    core.height++
    core.interiorCount++
  }
}

function newSeparator(): PendingEntry {
  return { key: newKeyBuffer(), keySize: 0, record: 0, extra: 0 }
}

function freeBelow(core: TreeCore, page: number, level: number): void {
  if (level > 0) {
    const frame = core.space.read(page)
    const words = core.slabs.u32[frame >>> FRAME_BITS]!
    const w0 = (frame & FRAME_MASK) << WORD_BITS
    const childCount = words[w0 + COUNT]! + 1
    for (let i = 0; i < childCount; i++) {
      freeBelow(core, childAt(words, w0, i), level - 1)
    }
  }
  core.space.free(page)
}

/** Makes resident what splits up to the root may allocate, so that no cold page can fail between two of them. */
function loadFreePages(core: TreeCore): void {
  let head = core.space.meta().freeHead
  for (let wanted = core.height + 1; wanted > 0 && head > 0; wanted--) {
    const frame = core.space.read(head - 1)
    head = core.slabs.u32[frame >>> FRAME_BITS]![(frame & FRAME_MASK) << WORD_BITS]!
  }
}
