/**
 * The page table: logical pages of structures, resident in frames, clean or dirty, frozen while a checkpoint writes them.
 *
 *   PageStore ── slabs, budget, clock           one per database
 *     └─ PageSpace (structure)  page number → frame (0: not resident)
 *
 * A structure sees pages only: `read(page)` and `write(page)` give the frame number, loading the page when it is cold.
 * A frame number is valid until the next safe point (see budget.ts) and never across an await.
 *
 * States of a resident page:   clean ─write→ dirty ─freeze→ frozen ─written→ clean
 *                                               ↑              │ write: the image is copied aside first
 *                                               └──────────────┘
 * Invariants
 *  - only clean pages whose image is on disk are evicted;
 *  - a frozen image never changes: what the checkpoint writes is the structure at exactly C (invariant 9 of the storage rules);
 *  - freed pages are chained through their first word, so that the free list is part of the image.
 */
import type { StructureId } from '../base/ids.ts'
import { invariant } from '../base/invariant.ts'
import type { Budget, BudgetClient } from './budget.ts'
import { FRAME_BITS, FRAME_MASK, PAGE_SIZE, Slabs, WORD_BITS } from './slabs.ts'

/** Reads a page's image from disk, verified, into `target` (PAGE_SIZE bytes). Throws CORRUPT. */
export type PageLoader = (structure: StructureId, page: number, target: Uint8Array) => void

/** May a clean page leave memory now? Structures with volatile words in their pages say no while these are set. */
export type EvictionGuard = (page: number, frame: number) => boolean

/** What of a space must be in its image beside the pages. */
export interface SpaceMeta {
  readonly pageCount: number
  /** First page of the free list plus one; 0 when empty. */
  readonly freeHead: number
}

/** One page of a frozen set. */
export interface FrozenPage {
  readonly space: PageSpace
  readonly page: number
}

const DIRTY = 1
const FROZEN = 2
const REFERENCED = 4

export class PageStore implements BudgetClient {
  readonly name = 'pages'
  readonly slabs: Slabs = new Slabs()
  readonly #loader: PageLoader
  readonly #budget: Budget
  flags: Uint8Array = new Uint8Array(1024)
  #owner: (PageSpace | undefined)[] = []
  #page: Int32Array = new Int32Array(1024)
  #dirtyCount = 0
  #hand = 1
  #highFrame = 0
  /** Frame of a page copied aside while frozen, by its live frame. */
  readonly #copies = new Map<number, number>()
  #frozen: FrozenPage[] | undefined
  /** Pages asked for, and those of them that were read from disk. */
  reads = 0
  loads = 0

  constructor(budget: Budget, loader: PageLoader) {
    this.#budget = budget
    this.#loader = loader
  }

  /** Gives memory back; only where nobody holds a frame number. */
  trim(): void {
    this.#budget.trim()
  }

  get dirtyBytes(): number {
    return this.#dirtyCount * PAGE_SIZE
  }

  usedBytes(): number {
    return this.slabs.usedCount * PAGE_SIZE
  }

  /** Evicts clean pages by the clock until `bytes` are free or the hand has gone round twice. */
  shrink(bytes: number): number {
    let freed = 0
    for (let step = this.#highFrame * 2; step > 0 && freed < bytes; step--) {
      if (++this.#hand > this.#highFrame) this.#hand = 1
      const frame = this.#hand
      const owner = this.#owner[frame]
      if (owner === undefined || !owner.persistent) continue
      const flags = this.flags[frame]!
      if (flags & REFERENCED) this.flags[frame] = flags & ~REFERENCED
      else if ((flags & (DIRTY | FROZEN)) === 0 && owner.evict(this.#page[frame]!, frame)) freed += PAGE_SIZE
    }
    return freed
  }

  /** The frame for a page just loaded or made. */
  adopt(space: PageSpace, page: number): number {
    const frame = this.slabs.take()
    if (frame >= this.flags.length) {
      const flags = new Uint8Array(frame * 2)
      flags.set(this.flags)
      this.flags = flags
      const pages = new Int32Array(frame * 2)
      pages.set(this.#page)
      this.#page = pages
    }
    if (frame > this.#highFrame) this.#highFrame = frame
    this.flags[frame] = REFERENCED
    this.#owner[frame] = space
    this.#page[frame] = page
    return frame
  }

  release(frame: number): void {
    if (this.flags[frame]! & DIRTY) this.#dirtyCount--
    invariant((this.flags[frame]! & FROZEN) === 0, () => 'a frozen page is released')
    this.flags[frame] = 0
    this.#owner[frame] = undefined
    this.slabs.give(frame)
  }

  load(space: PageSpace, page: number): number {
    this.loads++
    const frame = this.adopt(space, page)
    try {
      this.#loader(space.structure, page, this.slabs.bytes(frame))
    } catch (error) {
      this.release(frame)
      throw error
    }
    return frame
  }

  /** Marks a frame dirty; a frozen one has its image copied aside first. */
  touch(frame: number): void {
    const flags = this.flags[frame]!
    if (flags & FROZEN) this.#copyAside(frame)
    if ((flags & DIRTY) === 0) this.#dirtyCount++
    this.flags[frame] = (this.flags[frame]! & ~FROZEN) | DIRTY | REFERENCED
  }

  #copyAside(frame: number): void {
    const copy = this.slabs.take()
    if (copy > this.#highFrame) this.#highFrame = copy
    this.slabs.copy(frame, copy)
    this.#copies.set(frame, copy)
  }

  /** Freezes the dirty set: from here `frozenImage` gives each page as it is now, whatever is written later. One turn. */
  freeze(): readonly FrozenPage[] {
    invariant(this.#frozen === undefined, () => 'freeze while frozen')
    const frozen: FrozenPage[] = []
    for (let frame = 1; frame <= this.#highFrame; frame++) {
      const flags = this.flags[frame]!
      if ((flags & DIRTY) === 0) continue
      this.flags[frame] = (flags & ~DIRTY) | FROZEN
      frozen.push({ space: this.#owner[frame]!, page: this.#page[frame]! })
    }
    this.#dirtyCount = 0
    this.#frozen = frozen
    return frozen
  }

  /** The bytes of a frozen page, as they were at `freeze`: a view, to be used in this turn; undefined when its space was dropped since. */
  frozenImage(frozen: FrozenPage): Uint8Array | undefined {
    const frame = frozen.space.residentFrame(frozen.page)
    if (frame === 0) return undefined
    const copy = this.#copies.get(frame)
    if (copy !== undefined) return this.slabs.bytes(copy)
    return this.flags[frame]! & FROZEN ? this.slabs.bytes(frame) : undefined
  }

  /** Ends the freeze. `written`: the images are on disk under a durable root, frozen pages become clean; else dirty again. */
  thaw(written: boolean): void {
    for (const { space, page } of this.#frozen ?? []) {
      const frame = space.residentFrame(page)
      if (frame === 0 || (this.flags[frame]! & FROZEN) === 0) continue
      this.flags[frame]! &= ~FROZEN
      if (!written) this.touch(frame)
    }
    for (const copy of this.#copies.values()) this.slabs.give(copy)
    this.#copies.clear()
    this.#frozen = undefined
  }

  /** Forgets that a frame is frozen and the copy of it, when its page goes. */
  unfreeze(frame: number): void {
    this.flags[frame]! &= ~FROZEN
    const copy = this.#copies.get(frame)
    if (copy === undefined) return
    this.slabs.give(copy)
    this.#copies.delete(frame)
  }
}

/** The pages of one structure. */
export class PageSpace {
  readonly structure: StructureId
  #persistent: boolean
  readonly store: PageStore
  readonly #guard: EvictionGuard | undefined
  #frames = new Int32Array(16)
  #pageCount: number
  #freeHead: number

  constructor(
    store: PageStore,
    options: {
      readonly structure: StructureId
      readonly persistent: boolean
      readonly meta?: SpaceMeta
      readonly guard?: EvictionGuard
    },
  ) {
    this.store = store
    this.structure = options.structure
    this.#persistent = options.persistent
    this.#guard = options.guard
    this.#pageCount = options.meta?.pageCount ?? 0
    this.#freeHead = options.meta?.freeHead ?? 0
    this.#reserve(this.#pageCount)
  }

  /** False for volatile structures: their pages are never dirty, frozen or evicted. */
  get persistent(): boolean {
    return this.#persistent
  }

  /** From here the structure is part of checkpoints: all its pages are dirty. */
  persist(): void {
    this.#persistent = true
    for (let page = 0; page < this.#pageCount; page++) this.write(page)
  }

  get pageCount(): number {
    return this.#pageCount
  }

  meta(): SpaceMeta {
    return { pageCount: this.#pageCount, freeHead: this.#freeHead }
  }

  /** The frame of a page, for reading. */
  read(page: number): number {
    this.store.reads++
    const frame = this.#frames[page]!
    if (frame > 0) {
      this.store.flags[frame]! |= REFERENCED
      return frame
    }
    return this.#load(page)
  }

  /** The frame of a page, for writing: the page is dirty from here. */
  write(page: number): number {
    const frame = this.read(page)
    if (this.#persistent && (this.store.flags[frame]! & (DIRTY | FROZEN)) !== DIRTY) this.store.touch(frame)
    return frame
  }

  /** The frame if the page is resident, else 0. */
  residentFrame(page: number): number {
    return page < this.#frames.length ? this.#frames[page]! : 0
  }

  /** A page of zeros, dirty. Its number may be one freed before. */
  allocate(): number {
    if (this.#freeHead > 0) {
      const page = this.#freeHead - 1
      const frame = this.write(page)
      const slabs = this.store.slabs
      this.#freeHead = slabs.u32[frame >>> FRAME_BITS]![(frame & FRAME_MASK) << WORD_BITS]!
      slabs.zero(frame)
      return page
    }
    const page = this.#pageCount++
    this.#reserve(this.#pageCount)
    const frame = this.store.adopt(this, page)
    this.#frames[page] = frame
    this.store.slabs.zero(frame)
    if (this.#persistent) this.store.touch(frame)
    return page
  }

  /** Puts a page on the free list. */
  free(page: number): void {
    const frame = this.write(page)
    this.store.slabs.u32[frame >>> FRAME_BITS]![(frame & FRAME_MASK) << WORD_BITS] = this.#freeHead
    this.#freeHead = page + 1
  }

  /** Gives all frames back; the space is empty and must not be used again. */
  drop(): void {
    for (let page = 0; page < this.#pageCount; page++) {
      const frame = this.#frames[page]!
      if (frame === 0) continue
      this.store.unfreeze(frame)
      this.store.release(frame)
      this.#frames[page] = 0
    }
    this.#pageCount = 0
    this.#freeHead = 0
  }

  /** Called by the clock: lets the page go if the structure allows it. */
  evict(page: number, frame: number): boolean {
    if (this.#guard !== undefined && !this.#guard(page, frame)) return false
    this.#frames[page] = 0
    this.store.release(frame)
    return true
  }

  #load(page: number): number {
    invariant(page >= 0 && page < this.#pageCount, () => `page ${page} of structure ${this.structure} does not exist`)
    invariant(this.#persistent, () => 'a volatile page is not resident')
    const frame = this.store.load(this, page)
    this.#frames[page] = frame
    return frame
  }

  #reserve(count: number): void {
    if (count <= this.#frames.length) return
    const frames = new Int32Array(Math.max(count, this.#frames.length * 2))
    frames.set(this.#frames)
    this.#frames = frames
  }
}
