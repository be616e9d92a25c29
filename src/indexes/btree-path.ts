/**
 * Walking a B+tree from the root to a leaf and from leaf to leaf. A path is two arrays by level (0 = leaf): the page
 * and, in interior pages, the number of the child taken; in the leaf, the slot. There are no links between leaves: a
 * path finds its neighbour through the parents, so that a split touches two pages and not three.
 */
import type { PageSpace } from '../pages/page-table.ts'
import { FRAME_BITS, FRAME_MASK, type Slabs, WORD_BITS } from '../pages/slabs.ts'
import { AFTER_ALL_RECORDS, COUNT, childAt, compareEntry, isEntry, lowerBound } from './btree-node.ts'

/** Deeper trees do not exist: two children a page at least would make 2^24 pages of 16 KB at this height. */
export const MAX_HEIGHT = 24

/** What of a tree its cursors and walkers share. */
export interface TreeCore {
  readonly space: PageSpace
  readonly slabs: Slabs
  /** Words of a slot in the leaves. */
  readonly leafWords: number
  /** -1 while the tree is empty. */
  rootPage: number
  /** Levels; 0 while the tree is empty. */
  height: number
  count: number
  leafCount: number
  interiorCount: number
  /** Rises with every change: a path taken at another version is void. */
  version: number
}

export interface TreePath {
  readonly pages: number[]
  readonly slots: number[]
}

/** Plain arrays, which grow with a higher tree: a pair of typed ones takes 0.9 µs to make, a point query's whole time. */
export function newTreePath(): TreePath {
  return { pages: [0, 0, 0, 0, 0, 0, 0, 0], slots: [0, 0, 0, 0, 0, 0, 0, 0] }
}

/** Goes to where (key, record) is or would be: slots[0] is its lower bound in that leaf, perhaps the leaf's count. */
export function descend(core: TreeCore, path: TreePath, key: Uint8Array, keySize: number, record: number): void {
  const { space, slabs } = core
  const { pages, slots } = path
  let page = core.rootPage
  for (let level = core.height - 1; level > 0; level--) {
    const frame = space.read(page)
    const words = slabs.u32[frame >>> FRAME_BITS]!
    const w0 = (frame & FRAME_MASK) << WORD_BITS
    // Separators equal to the entry send it to their right.
    const child = lowerBound(words, slabs.u8[frame >>> FRAME_BITS]!, w0, key, keySize, record + 1)
    pages[level] = page
    slots[level] = child
    page = childAt(words, w0, child)
  }
  const frame = space.read(page)
  pages[0] = page
  slots[0] = lowerBound(
    slabs.u32[frame >>> FRAME_BITS]!,
    slabs.u8[frame >>> FRAME_BITS]!,
    (frame & FRAME_MASK) << WORD_BITS,
    key,
    keySize,
    record,
  )
}

/**
 * As `descend`, for an entry not below the one that the path stands at, in a tree whose pages are still the same: true
 * when it belongs into the same leaf, and the path is there. A sorted batch is entered so without descending for each.
 */
export function advance(core: TreeCore, path: TreePath, key: Uint8Array, keySize: number, record: number): boolean {
  const { space, slabs } = core
  const frame = space.read(path.pages[0]!)
  const words = slabs.u32[frame >>> FRAME_BITS]!
  const bytes = slabs.u8[frame >>> FRAME_BITS]!
  const w0 = (frame & FRAME_MASK) << WORD_BITS
  if (isEntry(words, bytes, w0, path.slots[0]!, key, keySize, record)) return true
  const count = words[w0 + COUNT]!
  // Most often it comes right behind the one before.
  const next = path.slots[0]! + 1
  const isNext = next >= count || compareEntry(words, bytes, w0, next, key, keySize, record) >= 0
  const slot = isNext ? Math.min(next, count) : lowerBound(words, bytes, w0, key, keySize, record)
  path.slots[0] = slot
  return slot < count || isBelowNextLeaf(core, path, key, keySize, record)
}

/** Is an entry that belongs behind all of the path's leaf still before the separator of the next one? */
function isBelowNextLeaf(core: TreeCore, path: TreePath, key: Uint8Array, keySize: number, record: number): boolean {
  const { space, slabs } = core
  for (let level = 1; level < core.height; level++) {
    const frame = space.read(path.pages[level]!)
    const words = slabs.u32[frame >>> FRAME_BITS]!
    const w0 = (frame & FRAME_MASK) << WORD_BITS
    const slot = path.slots[level]!
    if (slot === words[w0 + COUNT]!) continue
    return compareEntry(words, slabs.u8[frame >>> FRAME_BITS]!, w0, slot, key, keySize, record) > 0
  }
  return true
}

/** Goes to the first leaf (slot 0) or the last (slot = its count). */
export function descendToEdge(core: TreeCore, path: TreePath, last: boolean): void {
  descendEdge(core, path, core.height, core.rootPage, last)
}

function descendEdge(core: TreeCore, path: TreePath, levels: number, from: number, last: boolean): void {
  const { space, slabs } = core
  let page = from
  for (let level = levels - 1; level >= 0; level--) {
    const frame = space.read(page)
    const words = slabs.u32[frame >>> FRAME_BITS]!
    const w0 = (frame & FRAME_MASK) << WORD_BITS
    const slot = last ? words[w0 + COUNT]! : 0
    path.pages[level] = page
    path.slots[level] = slot
    if (level > 0) page = childAt(words, w0, slot)
  }
}

/** Goes on to the next leaf (slot 0) or back to the one before (slot = its count); false at the end of the tree. */
export function stepLeaf(core: TreeCore, path: TreePath, back: boolean): boolean {
  const { space, slabs } = core
  for (let level = 1; level < core.height; level++) {
    const frame = space.read(path.pages[level]!)
    const words = slabs.u32[frame >>> FRAME_BITS]!
    const w0 = (frame & FRAME_MASK) << WORD_BITS
    const slot = path.slots[level]!
    if (back ? slot === 0 : slot === words[w0 + COUNT]!) continue
    const neighbour = back ? slot - 1 : slot + 1
    path.slots[level] = neighbour
    descendEdge(core, path, level, childAt(words, w0, neighbour), back)
    return true
  }
  return false
}

/** Goes to the first entry within a lower bound: `open` leaves out the bound's own key. No bound: the first leaf. */
export function descendToLower(core: TreeCore, path: TreePath, lower: Uint8Array | undefined, open: boolean): void {
  if (lower === undefined) descendToEdge(core, path, false)
  else descend(core, path, lower, lower.length, open ? AFTER_ALL_RECORDS : 0)
}

/** Goes behind the last entry within an upper bound: `open` leaves out the bound's own key. No bound: the last leaf. */
export function descendToUpper(core: TreeCore, path: TreePath, upper: Uint8Array | undefined, open: boolean): void {
  if (upper === undefined) descendToEdge(core, path, true)
  else descend(core, path, upper, upper.length, open ? 0 : AFTER_ALL_RECORDS)
}
