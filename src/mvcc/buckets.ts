/**
 * The bucket table of a collection: from a key's hash to its slot. Linear hashing by page ("Linear Hashing: a new tool
 * for file and table addressing", Litwin 1980): a bucket is a page of 4,096 words probed linearly, and the table grows
 * by splitting one page at a time, so that growth never moves a slot and never stalls.
 *
 *   word = tag (5 bits of the hash) | slot + 1 (27 bits); 0 = empty
 *
 * A page is split when the table holds more than FILL words a page; within a round of splits the pages not yet split
 * hold up to twice the average, so FILL stays well below half of 4,096. The hash is seeded per database. Hashes are not
 * stored: a split and a removal take them anew from the slots' keys.
 */
import type { StructureId } from '../base/ids.ts'
import { invariant } from '../base/invariant.ts'
import { PageSpace, type PageStore, type SpaceMeta } from '../pages/page-table.ts'
import { FRAME_BITS, FRAME_MASK, type Slabs, WORD_BITS } from '../pages/slabs.ts'
import { keyWordAt, type Slots } from './slots.ts'

const PAGE_WORDS = 4096
const PAGE_WORD_MASK = 4095
const SLOT_FIELD = 0x07ffffff
const TAG_SHIFT = 27
/** Average words a page: the fullest page then stays below 80 %. */
const FILL = 1640

/** Hashes of what a split moves. */
const movingHashes = new Uint32Array(PAGE_WORDS)

/** Record numbers of one collection stay below this. */
export const MAX_SLOTS: number = SLOT_FIELD - 1

export interface BucketsMeta extends SpaceMeta {
  readonly level: number
  readonly split: number
  readonly entryCount: number
}

export class Buckets {
  readonly space: PageSpace
  readonly #slabs: Slabs
  readonly #slots: Slots
  readonly #seed: number
  #level: number
  #split: number
  #entryCount: number

  constructor(store: PageStore, structure: StructureId, slots: Slots, seed: number, meta?: BucketsMeta) {
    this.#slabs = store.slabs
    this.#slots = slots
    this.#seed = seed
    this.space = new PageSpace(store, { structure, persistent: true, ...(meta === undefined ? {} : { meta }) })
    this.#level = meta?.level ?? 0
    this.#split = meta?.split ?? 0
    this.#entryCount = meta?.entryCount ?? 0
  }

  meta(): BucketsMeta {
    return { ...this.space.meta(), level: this.#level, split: this.#split, entryCount: this.#entryCount }
  }

  hash(w0: number, w1: number, w2: number, w3: number): number {
    let h = Math.imul(this.#seed ^ w0, 0x85ebca6b)
    h = Math.imul((h ^ (h >>> 15)) + w1, 0xc2b2ae35)
    h = Math.imul((h ^ (h >>> 13)) + w2, 0x27d4eb2f)
    h = Math.imul((h ^ (h >>> 15)) + w3, 0x9e3779b1)
    h ^= h >>> 16
    h = Math.imul(h, 0x85ebca6b)
    return (h ^ (h >>> 13)) >>> 0
  }

  /**
   * The slot with this key, or -1. `proof` is asked when the words are equal but not exact; undefined: words decide.
   */
  find(
    hash: number,
    w0: number,
    w1: number,
    w2: number,
    w3: number,
    uuid: boolean,
    proof: ((slot: number) => boolean) | undefined,
  ): number {
    if (this.space.pageCount === 0) return -1
    const frame = this.space.read(this.#pageOf(hash))
    const words = this.#slabs.u32[frame >>> FRAME_BITS]!
    const start = (frame & FRAME_MASK) << WORD_BITS
    const tag = hash >>> TAG_SHIFT
    let at = positionOf(hash)
    for (;;) {
      const word = words[start + at]!
      if (word === 0) return -1
      if (word >>> TAG_SHIFT === tag) {
        const slot = (word & SLOT_FIELD) - 1
        if (this.#slots.hasKey(slot, w0, w1, w2, w3, uuid) && (proof === undefined || proof(slot))) return slot
      }
      at = (at + 1) & PAGE_WORD_MASK
    }
  }

  insert(hash: number, slot: number): void {
    if (this.space.pageCount === 0) this.space.allocate()
    this.#place(hash, slot)
    this.#entryCount++
    if (this.#entryCount > this.space.pageCount * FILL) this.#splitNext()
  }

  /** Removes the word of a slot whose key is still in place. */
  remove(slot: number): void {
    const frame = this.space.write(this.#pageOf(this.#hashOf(slot)))
    const words = this.#slabs.u32[frame >>> FRAME_BITS]!
    const start = (frame & FRAME_MASK) << WORD_BITS
    let hole = positionOf(this.#hashOf(slot))
    while ((words[start + hole]! & SLOT_FIELD) - 1 !== slot) {
      invariant(words[start + hole] !== 0, () => `slot ${slot} is not in its bucket`)
      hole = (hole + 1) & PAGE_WORD_MASK
    }
    // Words behind the hole move up unless they stand at or after their own position: no tombstones are needed.
    for (let at = (hole + 1) & PAGE_WORD_MASK; words[start + at] !== 0; at = (at + 1) & PAGE_WORD_MASK) {
      const home = positionOf(this.#hashOf((words[start + at]! & SLOT_FIELD) - 1))
      if (((at - home) & PAGE_WORD_MASK) < ((at - hole) & PAGE_WORD_MASK)) continue
      words[start + hole] = words[start + at]!
      hole = at
    }
    words[start + hole] = 0
    this.#entryCount--
  }

  #place(hash: number, slot: number): void {
    const frame = this.space.write(this.#pageOf(hash))
    const words = this.#slabs.u32[frame >>> FRAME_BITS]!
    const start = (frame & FRAME_MASK) << WORD_BITS
    const word = (((hash >>> TAG_SHIFT) << TAG_SHIFT) | (slot + 1)) >>> 0
    let at = positionOf(hash)
    for (let probes = 0; words[start + at] !== 0; probes++) {
      invariant(probes < PAGE_WORDS - 1, () => 'a bucket page is full')
      at = (at + 1) & PAGE_WORD_MASK
    }
    words[start + at] = word
  }

  #splitNext(): void {
    const from = this.#split
    const frame = this.space.write(from)
    const words = this.#slabs.u32[frame >>> FRAME_BITS]!
    const start = (frame & FRAME_MASK) << WORD_BITS
    // Everything is read before anything changes: a page that cannot be read then leaves the table as it was.
    const moving = words.slice(start, start + PAGE_WORDS)
    let count = 0
    for (let i = 0; i < PAGE_WORDS; i++) {
      const word = moving[i]!
      if (word === 0) continue
      movingHashes[count] = this.#hashOf((word & SLOT_FIELD) - 1)
      moving[count++] = word
    }
    this.space.allocate()
    if (++this.#split === 1 << this.#level) {
      this.#split = 0
      this.#level++
    }
    words.fill(0, start, start + PAGE_WORDS)
    for (let i = 0; i < count; i++) this.#place(movingHashes[i]!, (moving[i]! & SLOT_FIELD) - 1)
  }

  #pageOf(hash: number): number {
    const page = hash & ((1 << this.#level) - 1)
    return page < this.#split ? hash & ((2 << this.#level) - 1) : page
  }

  #hashOf(slot: number): number {
    const frame = this.#slots.frameOf(slot)
    const words = this.#slabs.u32[frame >>> FRAME_BITS]!
    const at = keyWordAt(frame, slot)
    return this.hash(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!)
  }
}

/** Where probing begins: other bits than the page number's and the tag's decide. */
function positionOf(hash: number): number {
  return Math.imul(hash, 0x9e3779b1) >>> 20
}
