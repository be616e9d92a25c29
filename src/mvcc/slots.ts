/**
 * The slot table of a collection: slot number = record number, dense, never moves. 512 slots of 32 bytes to a page.
 *
 *   word 0–3  key (see base/record-key.ts)
 *   word 4    segment 28 | uuid 1 | tombstone 1 | commit number bits 43–44
 *   word 5    offset / 8 21 | commit number bits 32–42
 *   word 6    commit number bits 0–31
 *   word 7    link: newest superseded version + 1 in the history pool; volatile, zero in images
 *
 * A free slot has word 4 = 0 (segments begin at 1) and the next free slot + 1 in word 0. A tombstone slot stays while
 * history needs it, and keeps the place of its tombstone.
 *
 * A page of slots is a zone. Beside the pages, in memory only, stands a mark for each: the newest commit number that was
 * ever installed in one of its slots, or more. Who keeps a structure of the newest state catches it up by looking at the
 * zones whose mark is above what it has, and in them at the slots whose commit is (columns, text). The marks of pages that
 * came from an image are unknown until somebody asks; a free slot leaves no trace in them then, which is right for who has
 * seen nothing yet.
 *
 * Invariants: a page with a link set is resident (it is never evicted): history points into it. The mark of a zone is
 * never below the commit of one of its slots, nor below that of a version that one of them had since somebody asked. What
 * moves a version (the cleaner) is no change, and does not mark.
 */
import type { CommitNumber, Lsn, StructureId } from '../base/ids.ts'
import { SEGMENT_SPAN } from '../base/ids.ts'
import { compareKeyWords } from '../base/record-key.ts'
import { PageSpace, type PageStore, type SpaceMeta } from '../pages/page-table.ts'
import { FRAME_BITS, FRAME_MASK, type Slabs, WORD_BITS } from '../pages/slabs.ts'

const SLOT_BITS = 9
const SLOT_MASK = 511
const SLOT_WORDS_BITS = 3
const LINK = 7

const SEGMENT_MASK = 0x0fffffff
const UUID_BIT = 1 << 28
const TOMBSTONE_BIT = 1 << 29
const OFFSET_MASK = 0x1fffff
const TWO_32 = 0x100000000

/** Slots of a zone: those of one page. */
export const ZONE_SLOTS = 512
/** log2 of the slots of a zone: `slot >>> ZONE_BITS` is its zone. */
export const ZONE_BITS: number = SLOT_BITS
/** The mark of a zone that nobody has asked for: above every commit, so that an install leaves it. */
const UNKNOWN = Number.POSITIVE_INFINITY

export interface SlotsMeta extends SpaceMeta {
  /** Slots ever used: record numbers are below it. */
  readonly highSlot: number
  /** First free slot + 1, 0 when none. */
  readonly freeSlot: number
  readonly liveCount: number
  readonly tombstoneCount: number
}

/** The slots of one zone as they were read: arrays of ZONE_SLOTS. */
export interface ZoneSlots {
  readonly commits: Float64Array
  readonly segments: Uint32Array
  readonly offsets: Uint32Array
}

export class Slots {
  readonly space: PageSpace
  readonly #slabs: Slabs
  highSlot: number
  #freeSlot: number
  liveCount: number
  tombstoneCount: number
  /** Counts changes of commits and places: who has read some slots knows whether they are still so. */
  changeCount = 0
  /** By zone, the newest commit installed in it. */
  #zones: Float64Array

  constructor(store: PageStore, structure: StructureId, meta?: SlotsMeta) {
    this.#slabs = store.slabs
    this.space = new PageSpace(store, {
      structure,
      persistent: true,
      ...(meta === undefined ? {} : { meta }),
      guard: (_page, frame) => !this.#hasLinks(frame),
    })
    this.highSlot = meta?.highSlot ?? 0
    this.#freeSlot = meta?.freeSlot ?? 0
    this.liveCount = meta?.liveCount ?? 0
    this.tombstoneCount = meta?.tombstoneCount ?? 0
    this.#zones = new Float64Array(Math.max(16, this.space.pageCount)).fill(UNKNOWN, 0, this.space.pageCount)
  }

  meta(): SlotsMeta {
    return {
      ...this.space.meta(),
      highSlot: this.highSlot,
      freeSlot: this.#freeSlot,
      liveCount: this.liveCount,
      tombstoneCount: this.tombstoneCount,
    }
  }

  /** A slot for a new record; the caller fills it at once. */
  allocate(): number {
    const freed = this.#freeSlot
    if (freed > 0) {
      const slot = freed - 1
      this.space.write(slot >>> SLOT_BITS)
      this.#freeSlot = this.#word(slot, 0)
      return slot
    }
    const slot = this.highSlot++
    if (slot >>> SLOT_BITS === this.space.pageCount) {
      this.space.allocate()
      if (this.space.pageCount > this.#zones.length) this.#growZones()
    }
    return slot
  }

  /** Frees a slot; its record number may be used again. */
  free(slot: number): void {
    const frame = this.space.write(slot >>> SLOT_BITS)
    const words = this.#slabs.u32[frame >>> FRAME_BITS]!
    const at = ((frame & FRAME_MASK) << WORD_BITS) + ((slot & SLOT_MASK) << SLOT_WORDS_BITS)
    this.changeCount++
    words.fill(0, at, at + 8)
    words[at] = this.#freeSlot
    this.#freeSlot = slot + 1
  }

  setKey(slot: number, key: Uint32Array): void {
    const frame = this.space.write(slot >>> SLOT_BITS)
    const words = this.#slabs.u32[frame >>> FRAME_BITS]!
    const at = ((frame & FRAME_MASK) << WORD_BITS) + ((slot & SLOT_MASK) << SLOT_WORDS_BITS)
    words[at] = key[0]!
    words[at + 1] = key[1]!
    words[at + 2] = key[2]!
    words[at + 3] = key[3]!
  }

  /** Sets place and commit number of the newest installed version, and marks the zone. */
  setNewest(slot: number, lsn: Lsn, commit: CommitNumber, uuid: boolean, tombstone: boolean): void {
    const frame = this.space.write(slot >>> SLOT_BITS)
    const words = this.#slabs.u32[frame >>> FRAME_BITS]!
    const at = ((frame & FRAME_MASK) << WORD_BITS) + ((slot & SLOT_MASK) << SLOT_WORDS_BITS)
    const segment = Math.floor(lsn / SEGMENT_SPAN)
    const commitHigh = Math.floor(commit / TWO_32)
    words[at + 4] = segment | (uuid ? UUID_BIT : 0) | (tombstone ? TOMBSTONE_BIT : 0) | ((commitHigh >>> 11) << 30)
    words[at + 5] = ((lsn % SEGMENT_SPAN) >>> 3) | ((commitHigh & 0x7ff) << 21)
    words[at + 6] = commit
    this.changeCount++
    // Replay installs copies of older commits too.
    if (commit > this.#zones[slot >>> SLOT_BITS]!) this.#zones[slot >>> SLOT_BITS] = commit
  }

  /** Zones that there are: their numbers are below it. */
  get zoneCount(): number {
    return (this.highSlot + SLOT_MASK) >>> SLOT_BITS
  }

  /** The newest commit installed in a zone's slots, or more. Reads the page of a zone that nobody has asked for yet. */
  zoneCommit(zone: number): CommitNumber {
    const known = this.#zones[zone]!
    return (known === UNKNOWN ? this.#findZoneCommit(zone) : known) as CommitNumber
  }

  /** The commit number of the newest version if a record is alive in the slot, else 0. One look at the slot. */
  liveCommitOf(slot: number): CommitNumber {
    const frame = this.space.read(slot >>> SLOT_BITS)
    const words = this.#slabs.u32[frame >>> FRAME_BITS]!
    const at = ((frame & FRAME_MASK) << WORD_BITS) + ((slot & SLOT_MASK) << SLOT_WORDS_BITS)
    const w4 = words[at + 4]!
    if (w4 === 0 || (w4 & TOMBSTONE_BIT) !== 0) return 0 as CommitNumber
    return (((w4 >>> 30) * 2048 + (words[at + 5]! >>> 21)) * TWO_32 + words[at + 6]!) as CommitNumber
  }

  /** Of each slot of a zone the commit number and the place of the newest version, 0 where no record is alive. */
  readZone(zone: number, read: ZoneSlots): void {
    const { commits, segments, offsets } = read
    const count = Math.min(ZONE_SLOTS, this.highSlot - (zone << SLOT_BITS))
    const frame = this.space.read(zone)
    const words = this.#slabs.u32[frame >>> FRAME_BITS]!
    let at = (frame & FRAME_MASK) << WORD_BITS
    for (let i = 0; i < count; i++, at += 8) {
      const w4 = words[at + 4]!
      const w5 = words[at + 5]!
      const isAlive = w4 !== 0 && (w4 & TOMBSTONE_BIT) === 0
      commits[i] = isAlive ? ((w4 >>> 30) * 2048 + (w5 >>> 21)) * TWO_32 + words[at + 6]! : 0
      segments[i] = isAlive ? w4 & SEGMENT_MASK : 0
      offsets[i] = isAlive ? (w5 & OFFSET_MASK) << 3 : 0
    }
    commits.fill(0, count)
  }

  /** The next slot of the same page from `slot` to before `end` with a link and a commit above `commit`; `end` without. */
  nextLinkedAfter(slot: number, end: number, commit: number): number {
    if (slot >= end) return end
    const frame = this.space.read(slot >>> SLOT_BITS)
    const words = this.#slabs.u32[frame >>> FRAME_BITS]!
    let at = keyWordAt(frame, slot)
    for (let next = slot; next < end; next++, at += 8) {
      if (words[at + LINK] === 0) continue
      const newest = ((words[at + 4]! >>> 30) * 2048 + (words[at + 5]! >>> 21)) * TWO_32 + words[at + 6]!
      if (newest > commit) return next
    }
    return end
  }

  #findZoneCommit(zone: number): number {
    const count = Math.min(ZONE_SLOTS, this.highSlot - (zone << SLOT_BITS))
    const frame = this.space.read(zone)
    const words = this.#slabs.u32[frame >>> FRAME_BITS]!
    let at = (frame & FRAME_MASK) << WORD_BITS
    let newest = 0
    for (let i = 0; i < count; i++, at += 8) {
      const w4 = words[at + 4]!
      if (w4 === 0) continue
      const commit = ((w4 >>> 30) * 2048 + (words[at + 5]! >>> 21)) * TWO_32 + words[at + 6]!
      if (commit > newest) newest = commit
    }
    this.#zones[zone] = newest
    return newest
  }

  #growZones(): void {
    const zones = new Float64Array(this.#zones.length * 2)
    zones.set(this.#zones)
    this.#zones = zones
  }

  /** Moves the newest version's place; its commit number stays. */
  setPlace(slot: number, lsn: Lsn): void {
    const frame = this.space.write(slot >>> SLOT_BITS)
    const words = this.#slabs.u32[frame >>> FRAME_BITS]!
    const at = ((frame & FRAME_MASK) << WORD_BITS) + ((slot & SLOT_MASK) << SLOT_WORDS_BITS)
    this.changeCount++
    words[at + 4] = (words[at + 4]! & ~SEGMENT_MASK) | Math.floor(lsn / SEGMENT_SPAN)
    words[at + 5] = (words[at + 5]! & ~OFFSET_MASK) | ((lsn % SEGMENT_SPAN) >>> 3)
  }

  commitOf(slot: number): CommitNumber {
    const frame = this.space.read(slot >>> SLOT_BITS)
    const words = this.#slabs.u32[frame >>> FRAME_BITS]!
    const at = ((frame & FRAME_MASK) << WORD_BITS) + ((slot & SLOT_MASK) << SLOT_WORDS_BITS)
    return (((words[at + 4]! >>> 30) * 2048 + (words[at + 5]! >>> 21)) * TWO_32 + words[at + 6]!) as CommitNumber
  }

  placeOf(slot: number): Lsn {
    const frame = this.space.read(slot >>> SLOT_BITS)
    const words = this.#slabs.u32[frame >>> FRAME_BITS]!
    const at = ((frame & FRAME_MASK) << WORD_BITS) + ((slot & SLOT_MASK) << SLOT_WORDS_BITS)
    return ((words[at + 4]! & SEGMENT_MASK) * SEGMENT_SPAN + ((words[at + 5]! & OFFSET_MASK) << 3)) as Lsn
  }

  /**
   * Where the newest version lies if a reader at `snapshot` sees it: its place, 0 when there is no record then, -1 when
   * it is newer than the snapshot, so that history decides. One look at the slot: the hot path of every read.
   */
  placeIfSeen(slot: number, snapshot: number): number {
    const frame = this.space.read(slot >>> SLOT_BITS)
    const words = this.#slabs.u32[frame >>> FRAME_BITS]!
    const at = ((frame & FRAME_MASK) << WORD_BITS) + ((slot & SLOT_MASK) << SLOT_WORDS_BITS)
    const w4 = words[at + 4]!
    const w5 = words[at + 5]!
    if (((w4 >>> 30) * 2048 + (w5 >>> 21)) * TWO_32 + words[at + 6]! > snapshot) return -1
    if ((w4 & TOMBSTONE_BIT) !== 0) return 0
    return (w4 & SEGMENT_MASK) * SEGMENT_SPAN + ((w5 & OFFSET_MASK) << 3)
  }

  isFree(slot: number): boolean {
    return this.#word(slot, 4) === 0
  }

  isTombstone(slot: number): boolean {
    return (this.#word(slot, 4) & TOMBSTONE_BIT) !== 0
  }

  /** True when the slot is in use for a record of this key (tombstones too). */
  hasKey(slot: number, w0: number, w1: number, w2: number, w3: number, uuid: boolean): boolean {
    const frame = this.space.read(slot >>> SLOT_BITS)
    const words = this.#slabs.u32[frame >>> FRAME_BITS]!
    const at = ((frame & FRAME_MASK) << WORD_BITS) + ((slot & SLOT_MASK) << SLOT_WORDS_BITS)
    return (
      words[at] === w0 &&
      words[at + 1] === w1 &&
      words[at + 2] === w2 &&
      words[at + 3] === w3 &&
      ((words[at + 4]! & UUID_BIT) !== 0) === uuid
    )
  }

  /** The order of the ids of two slots in use, as their keys say it; NaN when these do not (base/record-key.ts). */
  compareKeys(a: number, b: number): number {
    const frameA = this.space.read(a >>> SLOT_BITS)
    const frameB = this.space.read(b >>> SLOT_BITS)
    const words = this.#slabs.u32[frameA >>> FRAME_BITS]!
    const others = this.#slabs.u32[frameB >>> FRAME_BITS]!
    const atA = keyWordAt(frameA, a)
    const atB = keyWordAt(frameB, b)
    const aIsUuid = (words[atA + 4]! & UUID_BIT) !== 0
    const bIsUuid = (others[atB + 4]! & UUID_BIT) !== 0
    return compareKeyWords(words, atA, aIsUuid, others, atB, bIsUuid)
  }

  /** The frame of the slot's page; `keyWordAt` says where in it the key is. */
  frameOf(slot: number): number {
    return this.space.read(slot >>> SLOT_BITS)
  }

  linkOf(slot: number): number {
    return this.#word(slot, LINK)
  }

  /** Sets the link: volatile, so the page does not become dirty by it. */
  setLink(slot: number, link: number): void {
    const frame = this.space.read(slot >>> SLOT_BITS)
    this.#slabs.u32[frame >>> FRAME_BITS]![
      ((frame & FRAME_MASK) << WORD_BITS) + ((slot & SLOT_MASK) << SLOT_WORDS_BITS) + LINK
    ] = link
  }

  #word(slot: number, index: number): number {
    const frame = this.space.read(slot >>> SLOT_BITS)
    return this.#slabs.u32[frame >>> FRAME_BITS]![
      ((frame & FRAME_MASK) << WORD_BITS) + ((slot & SLOT_MASK) << SLOT_WORDS_BITS) + index
    ]!
  }

  #hasLinks(frame: number): boolean {
    const words = this.#slabs.u32[frame >>> FRAME_BITS]!
    const start = (frame & FRAME_MASK) << WORD_BITS
    for (let at = start + LINK; at < start + 4096; at += 8) if (words[at] !== 0) return true
    return false
  }
}

/** The place of a slot's key in the words of its slab: four words. */
export function keyWordAt(frame: number, slot: number): number {
  return ((frame & FRAME_MASK) << WORD_BITS) + ((slot & SLOT_MASK) << SLOT_WORDS_BITS)
}

/** Clears the volatile words of a slot page's image before it goes to disk. `image` is the caller's own copy. */
export function clearLinks(image: Uint8Array): void {
  for (let at = LINK * 4; at < image.length; at += 32) image.fill(0, at, at + 4)
}
