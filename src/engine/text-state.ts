/**
 * The text index of one collection, as the engine keeps it: made or loaded when it is first searched, caught up before
 * each search, saved now and then in pages of its own.
 *
 *   declared ──first search──▶ load the image, or begin with nothing ──▶ catch up ──▶ search
 *                                                                          ▲ zones with a commit since, in them the
 *                                                                          │ slots whose commit is not the document's
 *   checkpoint, when an eighth has changed ──▶ image in pages              next search
 *
 * Catching up compares: a slot whose newest commit is not that of its document is put again, one that has no live record
 * is removed. So it does not matter how old an image is, nor whether the slots of it have been used again since: a commit
 * number and a slot name one version of one record. After a load all zones are compared, whatever their marks.
 *
 * Invariants
 *  - when a pass has ended, every slot had then the document of its newest installed version, or of a later one;
 *  - an image in a checkpoint holds no document of a commit after that checkpoint: it was saved before;
 *  - an image that cannot be read, or is of another declaration, is dropped, and the index made from the records.
 */
import { isBlazeError, isDamage } from '../base/errors.ts'
import { invariant } from '../base/invariant.ts'
import { parsePath, valueAt } from '../base/path.ts'
import type { Path, StoredRecord, Value } from '../base/values.ts'
import { ZONE_BITS, ZONE_SLOTS } from '../mvcc/slots.ts'
import type { PageSpace } from '../pages/page-table.ts'
import type { TextPreparation } from '../query/source.ts'
import type { FieldText, TextSpec } from '../text/text-fields.ts'
import { TextIndex } from '../text/text-index.ts'
import type { CollectionRows } from './column-rows.ts'
import { readPieces } from './text-pages.ts'

/** An index as it was saved. */
export interface TextImage {
  /** The structure's part number. */
  readonly part: number
  readonly space: PageSpace
  /** Bytes of the run in the pages. */
  readonly size: number
}

/** One walk over the zones with a commit after `since`. */
interface Pass {
  readonly since: number
  readonly target: number
  readonly highSlot: number
  zone: number
}

/** No commit has been caught up to. */
const NOTHING_YET = -1

/** Looking at a slot costs about this part of indexing the texts of a record. */
const LOOK_COST = 1 / 256

/** Postings merged for each document that is put: about what all its merges will come to; 2 µs. */
const MERGED_PER_CHANGE = 64

/** Saved again when one document in so many has changed. */
const SAVE_SHARE = 8

export class TextState {
  readonly spec: TextSpec
  readonly #rows: CollectionRows
  readonly #safePoint: () => void
  readonly #onChanged: () => void
  readonly #paths: readonly Path[]
  readonly #read: (slot: number, values: (Value | undefined)[]) => void
  /** Drops an image that is of no use. */
  readonly #dropImage: (image: TextImage) => void
  #image: TextImage | undefined
  #index: TextIndex | undefined
  /** Below every mark: the first pass looks at all zones, also at those that hold nothing any more. */
  #caughtUp = NOTHING_YET
  #pass: Pass | undefined
  /** Documents put and removed since the image. */
  #changes = 0

  constructor(options: {
    readonly spec: TextSpec
    readonly rows: CollectionRows
    readonly image: TextImage | undefined
    readonly safePoint: () => void
    /** Told when the index has changed: there may be something to merge. */
    readonly onChanged: () => void
    readonly dropImage: (image: TextImage) => void
  }) {
    this.spec = options.spec
    this.#rows = options.rows
    this.#image = options.image
    this.#safePoint = options.safePoint
    this.#onChanged = options.onChanged
    this.#dropImage = options.dropImage
    this.#paths = options.spec.fields.map(({ path }) => parsePath(path))
    this.#read = options.rows.reader(this.#paths)
  }

  /** What checkpoints hold of it. */
  get image(): TextImage | undefined {
    return this.#image
  }

  /** The index, for who looks at it without searching; undefined while nobody has searched. */
  get loaded(): TextIndex | undefined {
    return this.#index
  }

  /** All commits up to this one are in the index. */
  get caughtUp(): number {
    return this.#caughtUp
  }

  /** True when saving the index is worth it. */
  get isUnsaved(): boolean {
    if (this.#index === undefined || this.#pass !== undefined || this.#changes === 0) return false
    return this.#image === undefined || this.#changes * SAVE_SHARE > this.#index.statistics().documents
  }

  /** The texts of a record, in the order of the declared fields. */
  textsOf(record: StoredRecord): FieldText[] {
    return this.#paths.map((path) => textOf(valueAt(record, path)))
  }

  /** Begins to make, or to catch up, the index. `assertAlive` throws when the collection has been dropped since. */
  prepare(assertAlive: () => void): TextPreparation {
    return new Preparation(this, this.#rows.newestCommit, assertAlive)
  }

  /** Catches up to `target`; works on about `most` records. True when it is done. */
  catchUp(target: number, most: number): boolean {
    this.#index ??= this.#load()
    let left = most
    while (this.#caughtUp < target) {
      if (left <= 0) return false
      this.#pass ??= {
        since: this.#caughtUp,
        target: this.#rows.newestCommit,
        highSlot: this.#rows.highSlot,
        zone: 0,
      }
      left = this.#run(this.#index, this.#pass, left)
    }
    return true
  }

  /** Merges some; true when there is more. */
  merge(budget: number): boolean {
    return this.#index?.merge(budget) === true
  }

  /** The pieces of an image of now. Only where `isUnsaved`. */
  save(): Iterable<Uint8Array> {
    invariant(this.#index !== undefined && this.#pass === undefined, () => 'an index is saved that is not complete')
    this.#changes = 0
    return this.#index.save()
  }

  /** From here checkpoints hold this image. */
  saved(image: TextImage): void {
    this.#image = image
  }

  /** An image was not written after all. */
  notSaved(): void {
    this.#changes++
  }

  /** The image is damaged, or goes with the index. */
  dropImage(): void {
    const image = this.#image
    if (image === undefined) return
    this.#image = undefined
    this.#changes++
    this.#dropImage(image)
  }

  /** Bytes in memory. */
  usedBytes(): number {
    return this.#index?.statistics().bytes ?? 0
  }

  /** The index of the image, or an empty one. Which slots it has right is found by the first pass. */
  #load(): TextIndex {
    const image = this.#image
    if (image !== undefined) {
      try {
        const index = TextIndex.load(this.spec, readPieces(image.space, image.size, this.#safePoint))
        if (index !== undefined) {
          this.#dropBeyond(index)
          return index
        }
      } catch (error) {
        if (!isDamage(error) && !isBlazeError(error, 'CODEC')) throw error
      }
      this.dropImage()
    }
    return new TextIndex(this.spec)
  }

  /** Documents of slots that there are not are of no record. */
  #dropBeyond(index: TextIndex): void {
    const { highSlot } = this.#rows
    const beyond: number[] = []
    index.eachDocument((slot) => {
      if (slot >= highSlot) beyond.push(slot)
    })
    for (const slot of beyond) index.remove(slot)
  }

  /** Goes on with a pass, whole zones at a time; gives what is left of `most`. */
  #run(index: TextIndex, pass: Pass, most: number): number {
    const rows = this.#rows
    const values: (Value | undefined)[] = []
    let left = most
    for (; pass.zone << ZONE_BITS < pass.highSlot; pass.zone++) {
      if (left <= 0) return left
      if (rows.zoneCommit(pass.zone) <= pass.since) continue
      const from = pass.zone << ZONE_BITS
      const to = Math.min(pass.highSlot, from + ZONE_SLOTS)
      const changes = this.#changes
      for (let slot = from; slot < to; slot++) {
        const commit = rows.commitOf(slot)
        if (commit === (index.commitOf(slot) ?? 0)) continue
        this.#changes++
        left--
        if (commit === 0) index.remove(slot)
        else {
          this.#read(slot, values)
          index.put(slot, commit, values.map(textOf))
        }
      }
      left -= (to - from) * LOOK_COST
      // A program that only searches leaves the background no turn to merge in: who makes segments pays for them.
      index.merge((this.#changes - changes) * MERGED_PER_CHANGE)
      this.#safePoint()
    }
    this.#caughtUp = pass.target
    this.#pass = undefined
    this.#onChanged()
    return left
  }
}

/** The work before one search. */
class Preparation implements TextPreparation {
  readonly #state: TextState
  readonly #target: number
  readonly #assertAlive: () => void

  constructor(state: TextState, target: number, assertAlive: () => void) {
    this.#state = state
    this.#target = target
    this.#assertAlive = assertAlive
  }

  /** Works on about so many records. True when all is done. */
  step(mostRecords: number): boolean {
    this.#assertAlive()
    return this.#state.catchUp(this.#target, mostRecords)
  }

  /** All of it at once. */
  finish(): TextIndex {
    this.step(Infinity)
    return this.index
  }

  /** Once it is done. */
  get index(): TextIndex {
    const { loaded, caughtUp } = this.#state
    invariant(loaded !== undefined && caughtUp >= this.#target, () => 'a text index is searched before it is prepared')
    return loaded
  }
}

/** Strings, and the strings of arrays, are indexed; nothing else is. */
function textOf(value: Value | undefined): FieldText {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return undefined
  return value.filter((each): each is string => typeof each === 'string')
}
