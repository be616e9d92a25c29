/**
 * The slots of a collection whose keys replay may have changed, each once, with what the checkpoint's image had there.
 * For the indexes only the first and the last state of a slot count: entries are pairs of key and slot, so it matters
 * neither what came between nor whether the same record has the slot still.
 *
 *   image   slot 3: ada     slot 4: bob     slot 5: (free)
 *   tail    ada → eve, delete bob, insert joe (gets slot 4), eve → ann
 *   settle  slot 3: −ada +ann     slot 4: −bob +joe
 *
 * What the image had is read when all is replayed, from its place, which the log still holds. Only the pieces of a large
 * record are gone by then: its keys are dropped at once.
 */
import type { Lsn } from '../base/ids.ts'
import { NO_PLACE } from '../mvcc/version-heap.ts'
import type { CollectionState } from './collection-state.ts'
import { IndexLoad } from './index-load.ts'

const FIRST_WORDS = 64

export class TouchedSlots {
  readonly #collection: CollectionState
  /** A bit for each slot that was touched. */
  #touched = new Uint32Array(FIRST_WORDS)
  readonly #slots: number[] = []
  /** Where the image had a record in that slot; NO_PLACE: nowhere. */
  readonly #places: Lsn[] = []

  constructor(collection: CollectionState) {
    this.#collection = collection
  }

  /** Before the newest version of `slot` changes: `live` says whether there is one. */
  note(slot: number, live: boolean): void {
    const word = slot >>> 5
    if (word >= this.#touched.length) this.#grow(word)
    const bit = 1 << (slot & 31)
    if ((this.#touched[word]! & bit) !== 0) return
    this.#touched[word]! |= bit
    this.#slots.push(slot)
    this.#places.push(live ? this.#keepImage(slot) : NO_PLACE)
  }

  /** Brings the indexes that the collection has now to its newest state. */
  settle(): void {
    const collection = this.#collection
    if (collection.dropped || collection.indexes.length === 0) return
    const load = new IndexLoad(collection, collection.indexes)
    for (let i = 0; i < this.#slots.length; i++) {
      const slot = this.#slots[i]!
      const place = this.#places[i]!
      const live = collection.heap.isLive(slot)
      if (live && place !== NO_PLACE) load.change(slot, place)
      else if (live) load.add(slot)
      else if (place !== NO_PLACE) load.drop(slot, place)
    }
    load.finish()
  }

  #keepImage(slot: number): Lsn {
    const collection = this.#collection
    const place = collection.heap.slots.placeOf(slot)
    if (collection.piecesAt(place) === undefined) return place
    const before = collection.readNewest(slot)
    for (const index of collection.indexes) index.replay(index.changes(before, undefined), slot)
    return NO_PLACE
  }

  #grow(word: number): void {
    const touched = new Uint32Array(Math.max(word + 1, this.#touched.length * 2))
    touched.set(this.#touched)
    this.#touched = touched
  }
}
