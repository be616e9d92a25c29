/** Estimates from a few pages of a B+tree: how many entries a range has, how often adjacent keys differ. */
import { FRAME_BITS, FRAME_MASK, WORD_BITS } from '../pages/slabs.ts'
import { newKeyBuffer } from './btree-edit.ts'
import { COUNT, childAt, copyKey } from './btree-node.ts'
import { descendToLower, descendToUpper, newTreePath, type TreeCore, type TreePath } from './btree-path.ts'
import { sharedBytes } from './btree-split.ts'
import type { KeyBounds } from './key-bounds.ts'

/** Of the estimate that is being made: nothing else runs meanwhile. */
const from = newTreePath()
const to = newTreePath()

/**
 * About how many entries lie within the bounds. Two descents; where they part, the children between count as average
 * subtrees. Exact when both end in the same leaf or both bounds are absent.
 */
export function estimateRange(core: TreeCore, bounds: KeyBounds): number {
  if (core.height === 0) return 0
  const { lower, upper, lowerOpen, upperOpen } = bounds
  if (lower === undefined && upper === undefined) return core.count
  descendToLower(core, from, lower, lowerOpen === true)
  descendToUpper(core, to, upper, upperOpen === true)
  let level = core.height - 1
  while (level > 0 && from.slots[level] === to.slots[level]) level--
  const between = to.slots[level]! - from.slots[level]!
  if (between <= 0) return 0
  if (level === 0) return between
  const estimate = behind(core, from, level) + before(core, to, level) + (between - 1) * averageBelow(core, level - 1)
  return Math.min(Math.round(estimate), core.count)
}

/** Entries in an average subtree whose top is at `level`. */
function averageBelow(core: TreeCore, level: number): number {
  const perLeaf = core.count / core.leafCount
  const fanOut = (core.leafCount + core.interiorCount - 1) / core.interiorCount
  return perLeaf * fanOut ** level
}

/** Entries from the path's place to the end of its subtree below `top`. */
function behind(core: TreeCore, path: TreePath, top: number): number {
  let sum = countOf(core, path.pages[0]!) - path.slots[0]!
  for (let level = 1; level < top; level++) {
    sum += (countOf(core, path.pages[level]!) - path.slots[level]!) * averageBelow(core, level - 1)
  }
  return sum
}

/** Entries from the beginning of the path's subtree below `top` to its place. */
function before(core: TreeCore, path: TreePath, top: number): number {
  let sum = path.slots[0]!
  for (let level = 1; level < top; level++) sum += path.slots[level]! * averageBelow(core, level - 1)
  return sum
}

function countOf(core: TreeCore, page: number): number {
  const frame = core.space.read(page)
  return core.slabs.u32[frame >>> FRAME_BITS]![((frame & FRAME_MASK) << WORD_BITS) + COUNT]!
}

/** Of adjacent entries: how many pairs were compared, in how many the keys, and the first parts of the keys, differ. */
export interface AdjacentSample {
  readonly pairs: number
  readonly keyChanges: number
  readonly firstPartChanges: number
}

/** Leaves looked at, spread evenly over the tree. */
const SAMPLED_LEAVES = 32
/** Pairs compared in each: with the leaves, about 0.2 ms. */
const PAIRS_PER_LEAF = 48

const previousKey = newKeyBuffer()
const currentKey = newKeyBuffer()

/** Compares adjacent entries of some leaves. `firstPartSize` gives the size of a key's first part. Deterministic. */
export function sampleAdjacent(
  core: TreeCore,
  firstPartSize: (key: Uint8Array, keySize: number) => number,
): AdjacentSample {
  const sum = { pairs: 0, keyChanges: 0, firstPartChanges: 0 }
  if (core.height === 0) return sum
  for (let i = 0; i < SAMPLED_LEAVES; i++) sampleLeaf(core, (i + 0.5) / SAMPLED_LEAVES, firstPartSize, sum)
  return sum
}

function sampleLeaf(
  core: TreeCore,
  fraction: number,
  firstPartSize: (key: Uint8Array, keySize: number) => number,
  sum: { pairs: number; keyChanges: number; firstPartChanges: number },
): void {
  let page = core.rootPage
  let rest = fraction
  for (let level = core.height - 1; level > 0; level--) {
    const frame = core.space.read(page)
    const words = core.slabs.u32[frame >>> FRAME_BITS]!
    const w0 = (frame & FRAME_MASK) << WORD_BITS
    const place = rest * (words[w0 + COUNT]! + 1)
    const child = Math.floor(place)
    rest = place - child
    page = childAt(words, w0, child)
  }
  const frame = core.space.read(page)
  const words = core.slabs.u32[frame >>> FRAME_BITS]!
  const bytes = core.slabs.u8[frame >>> FRAME_BITS]!
  const w0 = (frame & FRAME_MASK) << WORD_BITS
  const count = words[w0 + COUNT]!
  if (count < 2) return
  const first = Math.max(0, Math.min(Math.floor(rest * count), count - 1 - PAIRS_PER_LEAF))
  const last = Math.min(count - 1, first + PAIRS_PER_LEAF)
  let previousSize = copyKey(words, bytes, w0, first, previousKey)
  for (let slot = first + 1; slot <= last; slot++) {
    const size = copyKey(words, bytes, w0, slot, currentKey)
    const shared = sharedBytes(previousKey, previousSize, currentKey, size)
    sum.pairs++
    if (shared < size || size !== previousSize) {
      sum.keyChanges++
      if (shared < firstPartSize(currentKey, size)) sum.firstPartChanges++
      previousKey.set(currentKey)
    }
    previousSize = size
  }
}
