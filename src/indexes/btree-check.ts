/** The costly check of a B+tree: every page, slot and separator, the counts, and that no page of the space is lost. */
import { compareBytes } from '../base/bytes.ts'
import { invariant } from '../base/invariant.ts'
import { FRAME_BITS, FRAME_MASK, PAGE_SIZE, WORD_BITS } from '../pages/slabs.ts'
import { newKeyBuffer } from './btree-edit.ts'
import {
  COUNT,
  childAt,
  copyKey,
  GARBAGE,
  HEAP,
  headOf,
  heapBytes,
  KIND,
  OFFSET_BITS,
  OFFSET_MASK,
  PREFIX,
  roomOf,
  slotWord,
  WIDE_SLOT,
} from './btree-node.ts'
import { MAX_HEIGHT, type TreeCore } from './btree-path.ts'

interface Fence {
  readonly key: Uint8Array
  readonly record: number
}

interface Walk {
  readonly seen: Uint8Array
  leafCount: number
  interiorCount: number
  count: number
}

/** Asserts all invariants of the tree. O(entries). */
export function checkTree(core: TreeCore): void {
  const pageCount = core.space.pageCount
  const walk: Walk = { seen: new Uint8Array(pageCount), leafCount: 0, interiorCount: 0, count: 0 }
  invariant(core.height <= MAX_HEIGHT, () => `height ${core.height}`)
  invariant((core.height === 0) === core.rootPage < 0, () => `height ${core.height} with root ${core.rootPage}`)
  if (core.height > 0) checkPage(core, walk, core.rootPage, core.height - 1, undefined, undefined)
  invariant(walk.count === core.count, () => `${walk.count} entries, counted ${core.count}`)
  invariant(walk.leafCount === core.leafCount, () => `${walk.leafCount} leaves, counted ${core.leafCount}`)
  invariant(
    walk.interiorCount === core.interiorCount,
    () => `${walk.interiorCount} interior pages, counted ${core.interiorCount}`,
  )
  const free = markFree(core, walk.seen)
  const used = walk.leafCount + walk.interiorCount
  invariant(used + free === pageCount, () => `${pageCount} pages, but ${used} used and ${free} free`)
}

function markFree(core: TreeCore, seen: Uint8Array): number {
  let free = 0
  for (let head = core.space.meta().freeHead; head > 0; free++) {
    const page = head - 1
    invariant(seen[page] === 0, () => `free page ${page} is in use or listed twice`)
    seen[page] = 1
    const frame = core.space.read(page)
    head = core.slabs.u32[frame >>> FRAME_BITS]![(frame & FRAME_MASK) << WORD_BITS]!
  }
  return free
}

/** Checks a page and all below: its entries lie within [low, high). */
function checkPage(
  core: TreeCore,
  walk: Walk,
  page: number,
  level: number,
  low: Fence | undefined,
  high: Fence | undefined,
): void {
  invariant(walk.seen[page] === 0, () => `page ${page} has two parents`)
  walk.seen[page] = 1
  const frame = core.space.read(page)
  const words = core.slabs.u32[frame >>> FRAME_BITS]!
  const bytes = core.slabs.u8[frame >>> FRAME_BITS]!
  const w0 = (frame & FRAME_MASK) << WORD_BITS
  const stride = level === 0 ? core.leafWords : WIDE_SLOT
  const count = words[w0 + COUNT]!
  invariant(
    words[w0 + KIND] === (level | (stride << 8)),
    () => `page ${page} of kind ${words[w0 + KIND]} at level ${level}`,
  )
  invariant(level > 0 || count > 0, () => `leaf ${page} is empty`)
  invariant(level < core.height - 1 || level === 0 || count > 0, () => 'the root has one child')
  checkHeap(words, w0, page)

  const fences: Fence[] = []
  const buffer = newKeyBuffer()
  for (let slot = 0; slot < count; slot++) {
    const size = copyKey(words, bytes, w0, slot, buffer)
    const w = slotWord(words, w0, slot)
    const fence = { key: buffer.slice(0, size), record: words[w + 2]! }
    invariant(words[w] === headOf(fence.key, words[w0 + PREFIX]!, size), () => `page ${page} slot ${slot}: wrong head`)
    const previous = fences[slot - 1]
    invariant(
      previous === undefined || compareFences(previous, fence) < 0,
      () => `page ${page} slot ${slot}: out of order`,
    )
    fences.push(fence)
  }
  const first = fences[0]
  const last = fences[count - 1]
  invariant(!first || !low || compareFences(low, first) <= 0, () => `page ${page} begins below its separator`)
  invariant(!last || !high || compareFences(last, high) < 0, () => `page ${page} reaches its upper separator`)

  if (level === 0) {
    walk.leafCount++
    walk.count += count
    return
  }
  walk.interiorCount++
  for (let child = 0; child <= count; child++) {
    checkPage(core, walk, childAt(words, w0, child), level - 1, fences[child - 1] ?? low, fences[child] ?? high)
  }
}

/** Slots and heap do not meet, the heap is live bytes plus garbage, no two keys share bytes of it. */
function checkHeap(words: Uint32Array, w0: number, page: number): void {
  invariant(roomOf(words, w0) >= 0, () => `page ${page}: slots run into the heap`)
  const top = words[w0 + HEAP]!
  const end = PAGE_SIZE - words[w0 + PREFIX]!
  const taken = new Uint8Array(PAGE_SIZE)
  let live = 0
  for (let slot = 0; slot < words[w0 + COUNT]!; slot++) {
    const place = words[slotWord(words, w0, slot) + 1]!
    const size = heapBytes(place >>> OFFSET_BITS)
    const offset = place & OFFSET_MASK
    if (size === 0) continue
    invariant(offset >= top && offset + size <= end, () => `page ${page} slot ${slot}: key outside the heap`)
    invariant(
      taken.subarray(offset, offset + size).every((byte) => byte === 0),
      () => `page ${page}: keys overlap`,
    )
    taken.fill(1, offset, offset + size)
    live += size
  }
  const garbage = words[w0 + GARBAGE]!
  invariant(
    live + garbage === end - top,
    () => `page ${page}: ${end - top} bytes of heap, ${live} live, ${garbage} garbage`,
  )
}

function compareFences(a: Fence, b: Fence): number {
  return compareBytes(a.key, 0, a.key.length, b.key, 0, b.key.length) || a.record - b.record
}
