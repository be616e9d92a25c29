/**
 * The text indexes of all collections: which there are, their pages, their work in the background. What one of them is
 * says text-state.ts.
 *
 * The pages of an image are a structure of their collection, one of three by turns: the next image is written beside the
 * one that checkpoints hold, as fast as slices allow, and takes its place in one turn. An image is immutable; the cleaner
 * of page segments moves its pages like those of any structure.
 */
import type { StructureId } from '../base/ids.ts'
import type { BudgetClient } from '../pages/budget.ts'
import { PageSpace, type PageStore, type SpaceMeta } from '../pages/page-table.ts'
import type { Clock } from '../platform/platform.ts'
import type { TextSpec } from '../text/text-fields.ts'
import type { CollectionState } from './collection-state.ts'
import { CollectionRows } from './column-rows.ts'
import { structureOf, TEXT_STRUCTURES } from './structures.ts'
import { writePieces } from './text-pages.ts'
import { sameTextSpec } from './text-spec.ts'
import { type TextImage, TextState } from './text-state.ts'

/** A slice of writing an image holds the event loop no longer. */
const SLICE_MS = 2
/** Postings merged in a slice of the collector: about 2 ms. */
const MERGE_BUDGET = 100_000

/** An image as a directory holds it. */
export interface StoredTextImage {
  readonly part: number
  readonly meta: SpaceMeta
  readonly size: number
}

export class TextIndexes implements BudgetClient {
  readonly name = 'text'
  readonly #pages: PageStore
  readonly #safePoint: () => void
  readonly #takeDown: (run: () => void) => void
  readonly #wake: () => void
  readonly #states = new Map<CollectionState, TextState>()

  constructor(options: {
    readonly pages: PageStore
    readonly safePoint: () => void
    /** Takes pages down when no checkpoint is writing them. */
    readonly takeDown: (run: () => void) => void
    /** Wakes who calls `merge`. */
    readonly wake: () => void
  }) {
    this.#pages = options.pages
    this.#safePoint = options.safePoint
    this.#takeDown = options.takeDown
    this.#wake = options.wake
  }

  /** The text index of a collection; undefined when it has none. */
  of(collection: CollectionState): TextState | undefined {
    return this.#states.get(collection)
  }

  /** What the collection is declared as from now on: another declaration begins anew. `stored` is its image at open. */
  declare(collection: CollectionState, spec: TextSpec | undefined, stored?: StoredTextImage): void {
    const known = this.#states.get(collection)
    if (sameTextSpec(known?.spec, spec)) return
    this.forget(collection)
    if (spec === undefined) return
    const image = stored && {
      part: stored.part,
      size: stored.size,
      space: this.#space(collection, stored.part, stored.meta),
    }
    const state = new TextState({
      spec,
      rows: new CollectionRows(collection, this.#safePoint),
      image,
      safePoint: this.#safePoint,
      onChanged: this.#wake,
      dropImage: ({ space }) => this.#takeDown(() => space.drop()),
    })
    this.#states.set(collection, state)
  }

  /** The collection is dropped, or searched no longer. */
  forget(collection: CollectionState): void {
    this.#states.get(collection)?.dropImage()
    this.#states.delete(collection)
  }

  /** The pages of an image that checkpoints hold. */
  spaceOf(collection: CollectionState, part: number): PageSpace | undefined {
    const image = this.#states.get(collection)?.image
    return image?.part === part ? image.space : undefined
  }

  /** A slice of merging; true when there is more. */
  merge(): boolean {
    let more = false
    for (const state of this.#states.values()) if (state.merge(MERGE_BUDGET)) more = true
    return more
  }

  get isUnsaved(): boolean {
    for (const state of this.#states.values()) if (state.isUnsaved) return true
    return false
  }

  /**
   * Writes the image of each index that is worth it, in slices: for the checkpoint that comes next, while none is writing.
   * `isMapped` says whether the last one that succeeded holds a structure: that one's pages are not written over.
   */
  async save(clock: Clock, isMapped: (structure: StructureId) => boolean): Promise<void> {
    for (const [collection, state] of [...this.#states]) {
      const part = TEXT_STRUCTURES.find(
        (each) => each !== state.image?.part && !isMapped(structureOf(collection.id, each)),
      )
      if (part !== undefined && state.isUnsaved) await this.#saveOne(clock, collection, state, part)
    }
  }

  usedBytes(): number {
    let sum = 0
    for (const state of this.#states.values()) sum += state.usedBytes()
    return sum
  }

  /** They stay: others give way. */
  shrink(): number {
    return 0
  }

  async #saveOne(clock: Clock, collection: CollectionState, state: TextState, part: number): Promise<void> {
    const old = state.image
    const space = this.#space(collection, part)
    let image: TextImage | undefined
    try {
      const writing = writePieces(space, state.save())
      let endMs = clock.monotonic() + SLICE_MS
      let step = writing.next()
      for (; step.done !== true; step = writing.next()) {
        if (clock.monotonic() < endMs) continue
        await clock.yield()
        endMs = clock.monotonic() + SLICE_MS
      }
      if (this.#states.get(collection) === state && state.image === old) image = { part, space, size: step.value }
    } finally {
      if (image === undefined) {
        space.drop()
        state.notSaved()
      }
    }
    if (image === undefined) return
    old?.space.drop()
    space.persist()
    state.saved(image)
  }

  /** Pages of an image: in no checkpoint as long as they are being written. */
  #space(collection: CollectionState, part: number, meta?: SpaceMeta): PageSpace {
    const structure = structureOf(collection.id, part)
    return new PageSpace(this.#pages, {
      structure,
      persistent: meta !== undefined,
      ...(meta === undefined ? {} : { meta }),
    })
  }
}
