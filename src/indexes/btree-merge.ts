/**
 * What happens when a page gets empty or thin. An empty page goes at once, with parents that it leaves childless; a page
 * under half full is merged with a neighbour below the same parent, if that is in memory and both fit one page with a
 * tenth to spare. Nothing is moved between pages that stay: two neighbours that do not fit one page are nearly half full on average.
 */
import { FRAME_BITS, FRAME_MASK, PAGE_SIZE, WORD_BITS } from '../pages/slabs.ts'
import {
  appendRange,
  initNode,
  insertSlot,
  newKeyBuffer,
  newPageImage,
  packedBytes,
  removeSlot,
  takeImage,
} from './btree-edit.ts'
import {
  COUNT,
  childAt,
  copyKey,
  FIRST_CHILD,
  HEADER_WORDS,
  heapBytes,
  KIND,
  keySizeAt,
  PREFIX,
  slotWord,
  usedOf,
  WIDE_SLOT,
} from './btree-node.ts'
import type { TreeCore, TreePath } from './btree-path.ts'
import { sharedBytes } from './btree-split.ts'

const THIN = PAGE_SIZE / 2
const VERY_THIN = PAGE_SIZE / 8
const MERGE_LIMIT = PAGE_SIZE - PAGE_SIZE / 10

const leftImage = newPageImage()
const rightImage = newPageImage()
const separatorKey = newKeyBuffer()
const firstKey = newKeyBuffer()
const lastKey = newKeyBuffer()

/** Puts the tree in order after an entry was removed from the leaf of `path`. */
export function afterRemoval(core: TreeCore, path: TreePath): void {
  for (let level = 0; level < core.height; level++) {
    const page = path.pages[level]!
    const frame = core.space.read(page)
    const words = core.slabs.u32[frame >>> FRAME_BITS]!
    const w0 = (frame & FRAME_MASK) << WORD_BITS
    if (level === 0 && words[w0 + COUNT] === 0) {
      removeEmpty(core, path)
      break
    }
    if (level === core.height - 1) break
    const used = usedOf(words, w0)
    // Thin pages look for a neighbour at every eighth removal only: looking costs two cache misses.
    if (used >= THIN || (used >= VERY_THIN && (words[w0 + COUNT]! & 7) !== 0)) break
    const child = path.slots[level + 1]!
    if (
      !mergeChildren(core, path.pages[level + 1]!, child - 1) &&
      !mergeChildren(core, path.pages[level + 1]!, child)
    ) {
      break
    }
  }
  lowerRoot(core)
}

/** Frees the empty leaf of `path` and each parent that had no other child. */
function removeEmpty(core: TreeCore, path: TreePath): void {
  core.space.free(path.pages[0]!)
  core.leafCount--
  for (let level = 1; level < core.height; level++) {
    const page = path.pages[level]!
    const child = path.slots[level]!
    const frame = core.space.write(page)
    const words = core.slabs.u32[frame >>> FRAME_BITS]!
    const w0 = (frame & FRAME_MASK) << WORD_BITS
    if (words[w0 + COUNT]! > 0) {
      if (child === 0) words[w0 + FIRST_CHILD] = childAt(words, w0, 1)
      removeSlot(words, w0, child === 0 ? 0 : child - 1)
      return
    }
    core.space.free(page)
    core.interiorCount--
  }
  core.rootPage = -1
  core.height = 0
}

/** A root with one child gives way to it. */
function lowerRoot(core: TreeCore): void {
  while (core.height > 1) {
    const frame = core.space.read(core.rootPage)
    const words = core.slabs.u32[frame >>> FRAME_BITS]!
    const w0 = (frame & FRAME_MASK) << WORD_BITS
    if (words[w0 + COUNT]! > 0) return
    const child = words[w0 + FIRST_CHILD]!
    core.space.free(core.rootPage)
    core.interiorCount--
    core.rootPage = child
    core.height--
  }
}

/** Merges the children left and right of separator `slot` of a parent into the left page, if there are two and they fit. */
function mergeChildren(core: TreeCore, parent: number, slot: number): boolean {
  const { space, slabs } = core
  const parentFrame = space.read(parent)
  const parentWords = slabs.u32[parentFrame >>> FRAME_BITS]!
  const parentW0 = (parentFrame & FRAME_MASK) << WORD_BITS
  if (slot < 0 || slot >= parentWords[parentW0 + COUNT]!) return false
  const left = childAt(parentWords, parentW0, slot)
  const right = childAt(parentWords, parentW0, slot + 1)
  // A neighbour that is not in memory is left alone: reading it may fail, and the removal has been made.
  const leftFrame = space.residentFrame(left)
  const rightFrame = space.residentFrame(right)
  if (leftFrame === 0 || rightFrame === 0) return false
  const words = slabs.u32[leftFrame >>> FRAME_BITS]!
  const bytes = slabs.u8[leftFrame >>> FRAME_BITS]!
  const w0 = (leftFrame & FRAME_MASK) << WORD_BITS
  const rightWords = slabs.u32[rightFrame >>> FRAME_BITS]!
  const rightW0 = (rightFrame & FRAME_MASK) << WORD_BITS
  // Merging never makes a prefix longer than the shorter of the two, so this is less than the result would need.
  if (ownBytes(words, w0) + ownBytes(rightWords, rightW0) > MERGE_LIMIT) return false

  takeImage(leftImage, words, w0)
  takeImage(rightImage, rightWords, rightW0)
  const kind = leftImage.words[KIND]!
  const interior = (kind & 0xff) > 0
  const leftCount = leftImage.words[COUNT]!
  const rightCount = rightImage.words[COUNT]!
  const separatorSize = copyKey(parentWords, slabs.u8[parentFrame >>> FRAME_BITS]!, parentW0, slot, separatorKey)
  const separatorRecord = parentWords[slotWord(parentWords, parentW0, slot) + 2]!
  const prefix = mergedPrefix(interior, separatorSize)
  const size =
    HEADER_WORDS * 4 +
    prefix +
    packedBytes(leftImage.words, 0, 0, leftCount, prefix) +
    packedBytes(rightImage.words, 0, 0, rightCount, prefix) +
    (interior ? WIDE_SLOT * 4 + heapBytes(separatorSize - prefix) : 0)
  if (size > MERGE_LIMIT) return false

  space.write(left)
  initNode(words, bytes, w0, kind, firstKey, prefix)
  words[w0 + FIRST_CHILD] = leftImage.words[FIRST_CHILD]!
  appendRange(words, bytes, w0, leftImage, 0, leftCount)
  if (interior) {
    insertSlot(
      words,
      bytes,
      w0,
      leftCount,
      separatorKey,
      separatorSize,
      separatorRecord,
      rightImage.words[FIRST_CHILD]!,
    )
    core.interiorCount--
  } else {
    core.leafCount--
  }
  appendRange(words, bytes, w0, rightImage, 0, rightCount)
  space.write(parent)
  removeSlot(parentWords, parentW0, slot)
  space.free(right)
  return true
}

/** What the merged entries share at their beginning, left in `firstKey`. An interior page may have no entry of its own. */
function mergedPrefix(interior: boolean, separatorSize: number): number {
  const leftCount = leftImage.words[COUNT]!
  const rightCount = rightImage.words[COUNT]!
  if (interior && leftCount + rightCount === 0) return 0
  let firstSize = separatorSize
  let lastSize = separatorSize
  if (leftCount > 0) {
    copyKey(leftImage.words, leftImage.bytes, 0, 0, firstKey)
    firstSize = keySizeAt(leftImage.words, 0, 0)
  } else firstKey.set(separatorKey)
  if (rightCount > 0) lastSize = copyKey(rightImage.words, rightImage.bytes, 0, rightCount - 1, lastKey)
  else lastKey.set(separatorKey)
  return sharedBytes(firstKey, firstSize, lastKey, lastSize)
}

/** Bytes of a page's slots and heap, without header and prefix. */
function ownBytes(words: Uint32Array, w0: number): number {
  return usedOf(words, w0) - HEADER_WORDS * 4 - words[w0 + PREFIX]!
}
