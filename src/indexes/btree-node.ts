/**
 * The layout of a B+tree page, and reading it. A page is 4,096 words in a slab: `words` and `bytes` are the slab's two
 * views, `w0` the page's first word.
 *
 *   ┌ header 8 words ┬ slots, sorted, growing up → ┬ free ┬ ← heap, growing down ┬ prefix ┐
 *
 *   node   := header slot* free heap prefix
 *   header := kind (level | slot words << 8)  count  prefix size  heap top  garbage  first child  run next  run length
 *   slot   := head   place (size << 14 | offset)   record   [child | value]
 *
 * prefix   what all keys of the page begin with, kept once at the end of the page
 * head     the first 4 bytes of the key after the prefix, big-endian, padded with zeros: a search compares numbers first
 * size     bytes of the key after the prefix; those beyond the head are in the heap at `offset`
 * child    interior pages: where entries ≥ the slot's key lie; those below the first slot's key lie in `first child`
 * value    a word beside each entry, in the leaves of trees that ask for it
 * garbage  bytes of the heap that belong to no slot
 * run      where the last insertion would be continued and how often it was: ascending runs split at their end
 *
 * Invariants: slots ascend strictly by (key bytes, record number); the heap holds live bytes + garbage exactly.
 */
import { PAGE_SIZE } from '../pages/slabs.ts'

export const HEADER_WORDS = 8
/** The longest key a node takes: what users may index (4,096 bytes), and a little for what is put behind a key. */
export const MAX_KEY_BYTES = 4112
/** Record numbers are at most this. */
export const MAX_RECORD = 0x80000000
/** Sorts behind every record number of a key, with room to add 1. */
export const AFTER_ALL_RECORDS = 0xfffffffe
/** Words of a slot in interior pages, and in leaves with values. */
export const WIDE_SLOT = 4
/** Words of a slot in leaves without values. */
export const NARROW_SLOT = 3

export const KIND = 0
export const COUNT = 1
export const PREFIX = 2
export const HEAP = 3
export const GARBAGE = 4
export const FIRST_CHILD = 5
export const RUN_NEXT = 6
export const RUN_LENGTH = 7

export const OFFSET_BITS = 14
export const OFFSET_MASK = 0x3fff
export const HEAD_BYTES = 4

/** Pages of more slots are searched from a guess; half of the guesses among 500 even heads are within GUESS_ERROR. */
const GUESSED_COUNT = 48
const GUESS_ERROR = 16

/** The head of key[from, size): its first four bytes as an unsigned number. */
export function headOf(key: Uint8Array, from: number, size: number): number {
  if (from + 4 <= size) {
    return ((key[from]! << 24) | (key[from + 1]! << 16) | (key[from + 2]! << 8) | key[from + 3]!) >>> 0
  }
  let head = 0
  for (let i = 0; i < 4; i++) head = (head << 8) | (from + i < size ? key[from + i]! : 0)
  return head >>> 0
}

/**
 * The first slot whose entry is not below (key, record). Heads decide nearly all steps: 35–60 ns in a full page.
 */
export function lowerBound(
  words: Uint32Array,
  bytes: Uint8Array,
  w0: number,
  key: Uint8Array,
  keySize: number,
  record: number,
): number {
  const count = words[w0 + COUNT]!
  const prefix = words[w0 + PREFIX]!
  const stride = words[w0 + KIND]! >>> 8
  const b0 = w0 << 2
  if (prefix > 0) {
    const order = comparePrefix(bytes, b0, prefix, key, keySize)
    if (order !== 0) return order < 0 ? 0 : count
  }
  const head = headOf(key, prefix, keySize)
  const s0 = w0 + HEADER_WORDS
  let low = 0
  let high = count
  if (count > GUESSED_COUNT) {
    // Heads are often spread evenly: a guess by proportion and one probe beside it save half the cache misses.
    const first = words[s0]!
    const last = words[s0 + (count - 1) * stride]!
    if (head > first && head < last) {
      const guess = Math.floor(((head - first) / (last - first)) * (count - 1))
      if (words[s0 + guess * stride]! < head) {
        low = guess + 1
        const beyond = guess + GUESS_ERROR
        if (beyond < count && words[s0 + beyond * stride]! > head) high = beyond
      } else if (words[s0 + guess * stride]! > head) {
        high = guess
        const before = guess - GUESS_ERROR
        if (before >= 0 && words[s0 + before * stride]! < head) low = before + 1
      }
    }
  }
  while (low < high) {
    const mid = (low + high) >>> 1
    const w = s0 + mid * stride
    const other = words[w]!
    if (other < head) low = mid + 1
    else if (other > head) high = mid
    else if (compareTail(words, bytes, w, b0, key, keySize, prefix, record) < 0) low = mid + 1
    else high = mid
  }
  return low
}

/** How the key stands to the page's prefix: below (-1), beginning with it (0), above (1). */
export function comparePrefix(bytes: Uint8Array, b0: number, prefix: number, key: Uint8Array, keySize: number): number {
  const p0 = b0 + PAGE_SIZE - prefix
  const n = Math.min(prefix, keySize)
  for (let i = 0; i < n; i++) {
    const d = key[i]! - bytes[p0 + i]!
    if (d !== 0) return d < 0 ? -1 : 1
  }
  return keySize < prefix ? -1 : 0
}

/** The entry of the slot at word `w` against (key, record), when prefix and heads are equal. */
function compareTail(
  words: Uint32Array,
  bytes: Uint8Array,
  w: number,
  b0: number,
  key: Uint8Array,
  keySize: number,
  prefix: number,
  record: number,
): number {
  const place = words[w + 1]!
  const size = keySize - prefix
  const entrySize = place >>> OFFSET_BITS
  const at = b0 + (place & OFFSET_MASK)
  const from = prefix + HEAD_BYTES
  const n = Math.min(entrySize, size) - HEAD_BYTES
  for (let i = 0; i < n; i++) {
    const d = bytes[at + i]! - key[from + i]!
    if (d !== 0) return d
  }
  if (entrySize !== size) return entrySize - size
  const other = words[w + 2]!
  return other < record ? -1 : other > record ? 1 : 0
}

/** The entry of a slot that is there against (key, record): below 0 when it comes before them. */
export function compareEntry(
  words: Uint32Array,
  bytes: Uint8Array,
  w0: number,
  slot: number,
  key: Uint8Array,
  keySize: number,
  record: number,
): number {
  const prefix = words[w0 + PREFIX]!
  const b0 = w0 << 2
  if (prefix > 0) {
    const order = comparePrefix(bytes, b0, prefix, key, keySize)
    if (order !== 0) return -order
  }
  const w = slotWord(words, w0, slot)
  const head = headOf(key, prefix, keySize)
  const other = words[w]!
  if (other !== head) return other < head ? -1 : 1
  return compareTail(words, bytes, w, b0, key, keySize, prefix, record)
}

/** True when the entry of `slot` has exactly this key. */
export function hasKey(
  words: Uint32Array,
  bytes: Uint8Array,
  w0: number,
  slot: number,
  key: Uint8Array,
  keySize: number,
): boolean {
  if (slot >= words[w0 + COUNT]!) return false
  const w = slotWord(words, w0, slot)
  const prefix = words[w0 + PREFIX]!
  const b0 = w0 << 2
  if (words[w + 1]! >>> OFFSET_BITS !== keySize - prefix) return false
  if (prefix > 0 && comparePrefix(bytes, b0, prefix, key, keySize) !== 0) return false
  if (words[w] !== headOf(key, prefix, keySize)) return false
  return compareTail(words, bytes, w, b0, key, keySize, prefix, words[w + 2]!) === 0
}

/** True when the slot is there and has exactly this entry. Slots beyond the count hold old words. */
export function isEntry(
  words: Uint32Array,
  bytes: Uint8Array,
  w0: number,
  slot: number,
  key: Uint8Array,
  keySize: number,
  record: number,
): boolean {
  if (slot >= words[w0 + COUNT]! || words[slotWord(words, w0, slot) + 2] !== record) return false
  return hasKey(words, bytes, w0, slot, key, keySize)
}

/** The first word of a slot. */
export function slotWord(words: Uint32Array, w0: number, slot: number): number {
  return w0 + HEADER_WORDS + slot * (words[w0 + KIND]! >>> 8)
}

/** Child number `index` of an interior page: 0 is the first child, i the child of slot i − 1. */
export function childAt(words: Uint32Array, w0: number, index: number): number {
  return index === 0 ? words[w0 + FIRST_CHILD]! : words[w0 + HEADER_WORDS + (index - 1) * WIDE_SLOT + 3]!
}

/** Bytes of the whole key of a slot. */
export function keySizeAt(words: Uint32Array, w0: number, slot: number): number {
  return words[w0 + PREFIX]! + (words[slotWord(words, w0, slot) + 1]! >>> OFFSET_BITS)
}

/** Copies the page's prefix to the front of `target`; returns its size. */
export function copyPrefix(words: Uint32Array, bytes: Uint8Array, w0: number, target: Uint8Array): number {
  const prefix = words[w0 + PREFIX]!
  const p0 = (w0 << 2) + PAGE_SIZE - prefix
  for (let i = 0; i < prefix; i++) target[i] = bytes[p0 + i]!
  return prefix
}

/** Copies the key of a slot, but for the prefix, to its place in `target`; returns the whole key's size. */
export function copySuffix(
  words: Uint32Array,
  bytes: Uint8Array,
  w0: number,
  slot: number,
  target: Uint8Array,
): number {
  const prefix = words[w0 + PREFIX]!
  const w = slotWord(words, w0, slot)
  const head = words[w]!
  const place = words[w + 1]!
  const size = place >>> OFFSET_BITS
  // Bytes of the head beyond a shorter key are overwritten or never read; the buffers have room for them.
  target[prefix] = head >>> 24
  target[prefix + 1] = head >>> 16
  target[prefix + 2] = head >>> 8
  target[prefix + 3] = head
  const at = (w0 << 2) + (place & OFFSET_MASK)
  const to = prefix + HEAD_BYTES
  for (let i = size - HEAD_BYTES - 1; i >= 0; i--) target[to + i] = bytes[at + i]!
  return prefix + size
}

/** Copies the whole key of a slot; returns its size. `target` has room for MAX_KEY_BYTES + HEAD_BYTES. */
export function copyKey(words: Uint32Array, bytes: Uint8Array, w0: number, slot: number, target: Uint8Array): number {
  copyPrefix(words, bytes, w0, target)
  return copySuffix(words, bytes, w0, slot, target)
}

/** Free bytes between slots and heap. */
export function roomOf(words: Uint32Array, w0: number): number {
  return words[w0 + HEAP]! - ((HEADER_WORDS + words[w0 + COUNT]! * (words[w0 + KIND]! >>> 8)) << 2)
}

/** Bytes of the page that are in use. */
export function usedOf(words: Uint32Array, w0: number): number {
  return PAGE_SIZE - roomOf(words, w0) - words[w0 + GARBAGE]!
}

/** Bytes that a key suffix of `size` takes in the heap. */
export function heapBytes(size: number): number {
  return size > HEAD_BYTES ? size - HEAD_BYTES : 0
}
