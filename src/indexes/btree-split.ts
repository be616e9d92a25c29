/**
 * Adding an entry to a page, and what happens when it does not fit: the page is written anew (garbage gone, a better prefix), or split.
 *
 * The page's entries with the new one among them are a virtual sequence of n + 1 entries, read from an image of the page.
 * A split at s puts [0, s) into the page and [s, n + 1) into a new one; in interior pages entry s moves up instead, and
 * its child becomes the new page's first.
 *
 * Where to split: behind (before) the new entry when the page has been filled in ascending (descending) runs, so that
 * sequential loads leave full pages; around a new entry that does not share the page's prefix, which is then the first
 * or the last; else in the middle by bytes. In the middle both halves fit: a page is at least three times the largest
 * entry.
 */
import { invariant } from '../base/invariant.ts'
import { FRAME_BITS, FRAME_MASK, PAGE_SIZE, WORD_BITS } from '../pages/slabs.ts'
import { appendRange, initNode, insertSlot, newKeyBuffer, newPageImage, packedBytes, takeImage } from './btree-edit.ts'
import {
  COUNT,
  comparePrefix,
  copyKey,
  FIRST_CHILD,
  HEAD_BYTES,
  HEADER_WORDS,
  heapBytes,
  KIND,
  NARROW_SLOT,
  OFFSET_BITS,
  PREFIX,
  RUN_LENGTH,
  RUN_NEXT,
  roomOf,
  slotWord,
} from './btree-node.ts'
import type { TreeCore } from './btree-path.ts'

/** An entry on its way into a page. `extra` is the value in a leaf, the child in an interior page. */
export interface PendingEntry {
  key: Uint8Array
  keySize: number
  record: number
  extra: number
}

const HEADER_BYTES = HEADER_WORDS * 4
/** A page written anew keeps at least this much room, else it would be written anew for each of the next entries. */
const REWRITE_LIMIT = PAGE_SIZE - PAGE_SIZE / 16
/** So many insertions in a row, each beside the last, are a run. */
const RUN = 4

const image = newPageImage()
const firstKey = newKeyBuffer()
const lastKey = newKeyBuffer()

/**
 * Puts `entry` into `page` before `slot`, where it does not fit as the page is. True when the page could be written
 * anew with it; false when it was split: `up` is then the separator for the parent, with the new page as its child.
 */
export function insertByRewriting(
  core: TreeCore,
  page: number,
  slot: number,
  entry: PendingEntry,
  up: PendingEntry,
): boolean {
  const frame = core.space.write(page)
  const words = core.slabs.u32[frame >>> FRAME_BITS]!
  const bytes = core.slabs.u8[frame >>> FRAME_BITS]!
  const w0 = (frame & FRAME_MASK) << WORD_BITS
  takeImage(image, words, w0)
  const count = image.words[COUNT]!
  const kind = image.words[KIND]!

  const prefix = commonPrefix(0, count + 1, slot, entry)
  if (HEADER_BYTES + prefix + virtualBytes(0, count + 1, prefix, slot, entry) <= REWRITE_LIMIT) {
    initNode(words, bytes, w0, kind, firstKey, prefix)
    words[w0 + FIRST_CHILD] = image.words[FIRST_CHILD]!
    appendVirtual(words, bytes, w0, 0, count + 1, slot, entry)
    words[w0 + RUN_NEXT] = slot + 1
    words[w0 + RUN_LENGTH] = image.words[RUN_LENGTH]!
    return true
  }

  // The new page is taken before anything changes: taking one may have to read a cold free page, and that may fail.
  const newPage = core.space.allocate()
  const interior = (kind & 0xff) > 0
  const split = splitPoint(count, slot, entry, interior)
  if (interior) {
    core.interiorCount++
    virtualEntry(split, slot, entry, up)
    writeHalf(core, newPage, split + 1, count + 1, slot, entry, up.extra)
  } else {
    core.leafCount++
    separatorAt(split, slot, entry, up)
    writeHalf(core, newPage, split, count + 1, slot, entry, 0)
  }
  up.extra = newPage
  // A page that only loses its end to the new entry stays as it is.
  if (split < count || slot < count) writeHalf(core, page, 0, split, slot, entry, image.words[FIRST_CHILD]!)
  return false
}

/** Adds an entry where the page has room for it and its prefix holds. Keeps the page's run, and its prefix tight. */
export function insertIfRoom(
  words: Uint32Array,
  bytes: Uint8Array,
  w0: number,
  slot: number,
  key: Uint8Array,
  keySize: number,
  record: number,
  extra: number,
): boolean {
  const prefix = words[w0 + PREFIX]!
  const stride = words[w0 + KIND]! >>> 8
  if (prefix > 0 && comparePrefix(bytes, w0 << 2, prefix, key, keySize) !== 0) return false
  if (roomOf(words, w0) < stride * 4 + heapBytes(keySize - prefix)) return false
  insertSlot(words, bytes, w0, slot, key, keySize, record, extra)
  const run = words[w0 + RUN_LENGTH]!
  const next = words[w0 + RUN_NEXT]!
  words[w0 + RUN_LENGTH] = slot === next ? (run & 0xffff) + 1 : slot + 1 === next ? ((run >>> 16) + 1) << 16 : 0
  words[w0 + RUN_NEXT] = slot + 1
  const count = words[w0 + COUNT]!
  // At 16, 64 and 256 entries, while they are few enough to be written anew cheaply.
  if (count === 16 || count === 64 || count === 256) tightenPrefix(words, bytes, w0)
  return true
}

/** Writes the page anew if that lets its keys share a longer prefix; searches then compare heads that differ. */
function tightenPrefix(words: Uint32Array, bytes: Uint8Array, w0: number): void {
  const count = words[w0 + COUNT]!
  copyKey(words, bytes, w0, 0, firstKey)
  const firstSize = words[w0 + PREFIX]! + (words[slotWord(words, w0, 0) + 1]! >>> OFFSET_BITS)
  const lastSize = copyKey(words, bytes, w0, count - 1, lastKey)
  const prefix = sharedBytes(firstKey, firstSize, lastKey, lastSize)
  if (prefix <= words[w0 + PREFIX]!) return
  takeImage(image, words, w0)
  if (HEADER_BYTES + prefix + packedBytes(image.words, 0, 0, count, prefix) > REWRITE_LIMIT) return
  initNode(words, bytes, w0, image.words[KIND]!, firstKey, prefix)
  words[w0 + FIRST_CHILD] = image.words[FIRST_CHILD]!
  appendRange(words, bytes, w0, image, 0, count)
  words[w0 + RUN_NEXT] = image.words[RUN_NEXT]!
  words[w0 + RUN_LENGTH] = image.words[RUN_LENGTH]!
}

/** How many bytes two keys share at their beginning. */
export function sharedBytes(a: Uint8Array, aSize: number, b: Uint8Array, bSize: number): number {
  const n = Math.min(aSize, bSize)
  let i = 0
  while (i < n && a[i] === b[i]) i++
  return i
}

function writeHalf(
  core: TreeCore,
  page: number,
  from: number,
  to: number,
  slot: number,
  entry: PendingEntry,
  firstChild: number,
): void {
  const frame = core.space.write(page)
  const words = core.slabs.u32[frame >>> FRAME_BITS]!
  const bytes = core.slabs.u8[frame >>> FRAME_BITS]!
  const w0 = (frame & FRAME_MASK) << WORD_BITS
  let prefix = commonPrefix(from, to, slot, entry)
  // Where the heads already hold all, a longer prefix only costs its own bytes, and a full page has none to spare.
  if (HEADER_BYTES + prefix + virtualBytes(from, to, prefix, slot, entry) > PAGE_SIZE) prefix = image.words[PREFIX]!
  initNode(words, bytes, w0, image.words[KIND]!, firstKey, prefix)
  words[w0 + FIRST_CHILD] = firstChild
  appendVirtual(words, bytes, w0, from, to, slot, entry)
  if (slot < from || slot >= to) return
  words[w0 + RUN_NEXT] = slot - from + 1
  words[w0 + RUN_LENGTH] = image.words[RUN_LENGTH]!
}

function splitPoint(count: number, slot: number, entry: PendingEntry, interior: boolean): number {
  const prefix = image.words[PREFIX]!
  if (comparePrefix(image.bytes, 0, prefix, entry.key, entry.keySize) !== 0) {
    // The new entry lies outside of what all others share, so it is the first or the last, and goes alone.
    invariant(slot === 0 || slot === count, () => `an entry without the prefix belongs at ${slot} of ${count}`)
    return slot === 0 ? (interior ? 0 : 1) : count
  }
  const run = image.words[RUN_LENGTH]!
  const continued = slot === image.words[RUN_NEXT]
  const reversed = slot + 1 === image.words[RUN_NEXT]
  if (continued && (run & 0xffff) >= RUN && slot > 0 && fits(slot, count + 1, slot, entry)) return slot
  if (reversed && run >>> 16 >= RUN && slot < count && fits(0, slot + 1, slot, entry)) return slot + 1
  return middle(count, slot, entry)
}

function fits(from: number, to: number, slot: number, entry: PendingEntry): boolean {
  const prefix = commonPrefix(from, to, slot, entry)
  return HEADER_BYTES + prefix + virtualBytes(from, to, prefix, slot, entry) <= PAGE_SIZE
}

/** The split that is nearest to the middle by bytes. */
function middle(count: number, slot: number, entry: PendingEntry): number {
  const prefix = image.words[PREFIX]!
  const total = virtualBytes(0, count + 1, prefix, slot, entry)
  let sum = 0
  for (let split = 1; split <= count; split++) {
    const size = virtualBytes(split - 1, split, prefix, slot, entry)
    sum += size
    if (sum * 2 >= total) return split > 1 && sum * 2 - total > size ? split - 1 : split
  }
  return count
}

/** Bytes that the virtual entries [from, to) take under a prefix. */
function virtualBytes(from: number, to: number, prefix: number, slot: number, entry: PendingEntry): number {
  const before = Math.min(to, slot)
  const after = from > slot ? from - 1 : slot
  let sum = 0
  if (from < before) sum += packedBytes(image.words, 0, from, before, prefix)
  if (after < to - 1) sum += packedBytes(image.words, 0, after, to - 1, prefix)
  if (slot >= from && slot < to) sum += (image.words[KIND]! >>> 8) * 4 + heapBytes(entry.keySize - prefix)
  return sum
}

function appendVirtual(
  words: Uint32Array,
  bytes: Uint8Array,
  w0: number,
  from: number,
  to: number,
  slot: number,
  entry: PendingEntry,
): void {
  appendRange(words, bytes, w0, image, from, Math.min(to, slot))
  if (slot >= from && slot < to) {
    insertSlot(words, bytes, w0, words[w0 + COUNT]!, entry.key, entry.keySize, entry.record, entry.extra)
  }
  appendRange(words, bytes, w0, image, from > slot ? from - 1 : slot, to - 1)
}

/** Copies the key of a virtual entry; returns its size. */
function virtualKey(index: number, slot: number, entry: PendingEntry, target: Uint8Array): number {
  if (index !== slot) return copyKey(image.words, image.bytes, 0, index < slot ? index : index - 1, target)
  for (let i = 0; i < entry.keySize; i++) target[i] = entry.key[i]!
  return entry.keySize
}

/** What the virtual entries [from, to) share at their beginning, left in `firstKey`. One entry shares nothing. */
function commonPrefix(from: number, to: number, slot: number, entry: PendingEntry): number {
  if (to - from < 2) return 0
  const firstSize = virtualKey(from, slot, entry, firstKey)
  const lastSize = virtualKey(to - 1, slot, entry, lastKey)
  return sharedBytes(firstKey, firstSize, lastKey, lastSize)
}

/** Copies a virtual entry to `up`. */
function virtualEntry(index: number, slot: number, entry: PendingEntry, up: PendingEntry): void {
  up.keySize = virtualKey(index, slot, entry, up.key)
  if (index === slot) {
    up.record = entry.record
    up.extra = entry.extra
    return
  }
  const w = slotWord(image.words, 0, index < slot ? index : index - 1)
  up.record = image.words[w + 2]!
  up.extra = image.words[KIND]! >>> 8 === NARROW_SLOT ? 0 : image.words[w + 3]!
}

/** The shortest separator between the virtual entries split − 1 and split: above the one, not above the other. */
function separatorAt(split: number, slot: number, entry: PendingEntry, up: PendingEntry): void {
  virtualEntry(split, slot, entry, up)
  const leftSize = virtualKey(split - 1, slot, entry, firstKey)
  const shared = sharedBytes(firstKey, leftSize, up.key, up.keySize)
  if (shared === leftSize && shared === up.keySize) return
  up.keySize = shared + 1
  up.record = 0
}

invariantPageHoldsThreeEntries()

function invariantPageHoldsThreeEntries(): void {
  const largest = firstKey.length - HEAD_BYTES + 4 * 4
  invariant(HEADER_BYTES + 3 * largest <= PAGE_SIZE, () => 'a page holds fewer than three of the largest entries')
}
