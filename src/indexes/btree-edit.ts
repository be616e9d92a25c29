/**
 * Changing one B+tree page: adding and removing slots, and writing a page anew from an image of the old one. The layout
 * is in btree-node.ts. All of it works on one page (or the image of one) and knows nothing of the tree.
 */
import { PAGE_SIZE, WORD_BITS } from '../pages/slabs.ts'
import {
  COUNT,
  copyPrefix,
  copySuffix,
  FIRST_CHILD,
  GARBAGE,
  HEAD_BYTES,
  HEADER_WORDS,
  HEAP,
  headOf,
  heapBytes,
  KIND,
  MAX_KEY_BYTES,
  NARROW_SLOT,
  OFFSET_BITS,
  OFFSET_MASK,
  PREFIX,
  RUN_LENGTH,
  RUN_NEXT,
  slotWord,
} from './btree-node.ts'

/** A copy of a page outside the slabs, to write pages from. */
export interface PageImage {
  readonly words: Uint32Array
  readonly bytes: Uint8Array
}

export function newPageImage(): PageImage {
  const words = new Uint32Array(1 << WORD_BITS)
  return { words, bytes: new Uint8Array(words.buffer) }
}

export function newKeyBuffer(): Uint8Array {
  return new Uint8Array(MAX_KEY_BYTES + HEAD_BYTES)
}

export function takeImage(image: PageImage, words: Uint32Array, w0: number): void {
  image.words.set(words.subarray(w0, w0 + (1 << WORD_BITS)))
}

/** Makes the page an empty node. Its keys will all begin with the first `prefixSize` bytes of `prefixKey`. */
export function initNode(
  words: Uint32Array,
  bytes: Uint8Array,
  w0: number,
  kind: number,
  prefixKey: Uint8Array,
  prefixSize: number,
): void {
  words[w0 + KIND] = kind
  words[w0 + COUNT] = 0
  words[w0 + PREFIX] = prefixSize
  words[w0 + HEAP] = PAGE_SIZE - prefixSize
  words[w0 + GARBAGE] = 0
  words[w0 + FIRST_CHILD] = 0
  words[w0 + RUN_NEXT] = 0
  words[w0 + RUN_LENGTH] = 0
  const p0 = (w0 << 2) + PAGE_SIZE - prefixSize
  for (let i = 0; i < prefixSize; i++) bytes[p0 + i] = prefixKey[i]!
}

/** Adds an entry before `slot`. The key begins with the page's prefix and there is room. `extra`: child or value. */
export function insertSlot(
  words: Uint32Array,
  bytes: Uint8Array,
  w0: number,
  slot: number,
  key: Uint8Array,
  keySize: number,
  record: number,
  extra: number,
): void {
  const stride = words[w0 + KIND]! >>> 8
  const count = words[w0 + COUNT]!
  const prefix = words[w0 + PREFIX]!
  const w = w0 + HEADER_WORDS + slot * stride
  if (slot < count) words.copyWithin(w + stride, w, w0 + HEADER_WORDS + count * stride)
  const rest = heapBytes(keySize - prefix)
  const heap = words[w0 + HEAP]! - rest
  const at = (w0 << 2) + heap
  const from = prefix + HEAD_BYTES
  for (let i = 0; i < rest; i++) bytes[at + i] = key[from + i]!
  words[w] = headOf(key, prefix, keySize)
  // With nothing in the heap the offset is never read; 14 bits cannot hold PAGE_SIZE itself.
  words[w + 1] = ((keySize - prefix) << OFFSET_BITS) | (heap & OFFSET_MASK)
  words[w + 2] = record
  if (stride !== NARROW_SLOT) words[w + 3] = extra
  words[w0 + HEAP] = heap
  words[w0 + COUNT] = count + 1
}

/** Removes the entry of `slot`; its heap bytes become garbage. */
export function removeSlot(words: Uint32Array, w0: number, slot: number): void {
  const stride = words[w0 + KIND]! >>> 8
  const count = words[w0 + COUNT]!
  const w = w0 + HEADER_WORDS + slot * stride
  words[w0 + GARBAGE]! += heapBytes(words[w + 1]! >>> OFFSET_BITS)
  if (slot < count - 1) words.copyWithin(w, w + stride, w0 + HEADER_WORDS + count * stride)
  words[w0 + COUNT] = count - 1
  words[w0 + RUN_LENGTH] = 0
}

const keyScratch = newKeyBuffer()

/** Appends the entries [from, to) of an image to a page, whose prefix may differ from the image's. */
export function appendRange(
  words: Uint32Array,
  bytes: Uint8Array,
  w0: number,
  image: PageImage,
  from: number,
  to: number,
): void {
  if (from >= to) return
  if (words[w0 + PREFIX] === image.words[PREFIX]) {
    appendSamePrefix(words, bytes, w0, image, from, to)
    return
  }
  copyPrefix(image.words, image.bytes, 0, keyScratch)
  const wide = image.words[KIND]! >>> 8 !== NARROW_SLOT
  for (let slot = from; slot < to; slot++) {
    const size = copySuffix(image.words, image.bytes, 0, slot, keyScratch)
    const w = slotWord(image.words, 0, slot)
    const extra = wide ? image.words[w + 3]! : 0
    insertSlot(words, bytes, w0, words[w0 + COUNT]!, keyScratch, size, image.words[w + 2]!, extra)
  }
}

/** As appendRange where the prefixes are equal: slots are copied whole and only their places change. */
function appendSamePrefix(
  words: Uint32Array,
  bytes: Uint8Array,
  w0: number,
  image: PageImage,
  from: number,
  to: number,
): void {
  const stride = words[w0 + KIND]! >>> 8
  const count = words[w0 + COUNT]!
  const source = image.bytes
  const first = HEADER_WORDS + from * stride
  let w = w0 + HEADER_WORDS + count * stride
  words.set(image.words.subarray(first, HEADER_WORDS + to * stride), w)
  let heap = words[w0 + HEAP]!
  const b0 = w0 << 2
  for (let slot = from; slot < to; slot++, w += stride) {
    const place = words[w + 1]!
    const size = place >>> OFFSET_BITS
    const at = place & OFFSET_MASK
    const rest = heapBytes(size)
    heap -= rest
    for (let i = 0; i < rest; i++) bytes[b0 + heap + i] = source[at + i]!
    words[w + 1] = (size << OFFSET_BITS) | (heap & OFFSET_MASK)
  }
  words[w0 + HEAP] = heap
  words[w0 + COUNT] = count + to - from
}

/** Bytes that the entries [from, to) of a page or image would take as slots and heap under another prefix size. */
export function packedBytes(words: Uint32Array, w0: number, from: number, to: number, prefix: number): number {
  const stride = words[w0 + KIND]! >>> 8
  const shift = words[w0 + PREFIX]! - prefix - HEAD_BYTES
  let sum = (to - from) * stride * 4
  let w = w0 + HEADER_WORDS + from * stride + 1
  for (let slot = from; slot < to; slot++, w += stride) {
    const rest = (words[w]! >>> OFFSET_BITS) + shift
    if (rest > 0) sum += rest
  }
  return sum
}
