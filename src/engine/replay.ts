/**
 * Replay: brings the derived structures up to the end of the log. Recovery replays the tail from the checkpoint's
 * boundary C; a rebuild replays everything from the oldest segment. Both go through the same function, in log order:
 * versions of a record stand in the log in commit order, and copies carry the commit number of what they copy, so the
 * highest commit number wins and equal numbers are the same content (invariants 6, 7, 17).
 *
 * DATA items are void until a COMMIT names them; the last of a COMMIT's DATA is named by its place, each names the one
 * before. In a rebuild a DATA item may have been cleaned away: its entries live on as copies.
 *
 * The newest state only: nobody reads yet, so there is no history to keep. The record tables follow entry by entry, the
 * indexes once at the end, by the slots that were touched (touched-slots.ts).
 */
import { BlazeError } from '../base/errors.ts'
import type { CollectionId, CommitNumber, Lsn } from '../base/ids.ts'
import { lsnOf, segmentOf } from '../base/ids.ts'
import { RecordKey } from '../base/record-key.ts'
import type { StoredRecord } from '../base/values.ts'
import {
  ENTRY_KEYS_UNCHANGED,
  ENTRY_PUT,
  EntryView,
  ITEM_COMMIT,
  ITEM_DATA,
  type Item,
  readItem,
} from '../codec/entry.ts'
import type { Frame } from '../wal/frame.ts'
import type { CollectionState } from './collection-state.ts'
import type { Core } from './core.ts'
import { CATALOGUE_ID, isSystem, SHAPES_ID } from './system-collections.ts'
import { TouchedSlots } from './touched-slots.ts'

export interface ReplayOptions {
  /** Which collections: a rebuild replays the system's first, because a copy of a definition may lie behind its data. */
  readonly only: 'all' | 'system' | 'user'
  /** Rebuild: index entries are made by a scan afterwards, DATA below the tail may be missing. */
  readonly rebuild: boolean
  /** Applies a record of the catalogue; undefined: it was deleted. */
  readonly onCatalogue: (id: CollectionId, record: StoredRecord | undefined) => void
  /** Applies a shape's definition. */
  readonly onShape: (id: number, definition: Uint8Array) => void
}

const key = new RecordKey()
const view = new EntryView()

export class Replay {
  readonly #core: Core
  readonly #options: ReplayOptions
  /** DATA items that no COMMIT has named yet, by their place. */
  readonly #data = new Map<number, Item>()
  readonly #touched = new Map<CollectionState, TouchedSlots>()

  constructor(core: Core, options: ReplayOptions) {
    this.#core = core
    this.#options = options
  }

  frame(frame: Frame): void {
    let at = frame.payloadStart
    while (at < frame.payloadEnd) {
      const item = readItem(frame.bytes, at, frame.payloadEnd)
      this.#item(frame, item)
      at = item.end
    }
  }

  #item(frame: Frame, item: Item): void {
    if (item.kind === ITEM_DATA) {
      this.#data.set(lsnOf(frame.segment, item.start), item)
      return
    }
    if (item.kind === ITEM_COMMIT) {
      const commit = item.commit as CommitNumber
      for (const place of this.#namedData(item)) {
        const data = this.#data.get(place)!
        // By its first entry: that is what knows its frame, when the frame has left memory.
        const bytes = this.#core.log.bytesOf(segmentOf(place), data.entriesStart)
        this.#entries(bytes, segmentOf(place), data, commit)
        this.#data.delete(place)
        if (segmentOf(place) !== frame.segment) {
          this.#core.dataCommits.note(segmentOf(place), data.transaction, commit)
        }
      }
      this.#entries(frame.bytes, frame.segment, item, commit)
      if (commit > this.#core.installed) this.#core.installed = commit
      return
    }
    this.#entries(frame.bytes, frame.segment, item, 0 as CommitNumber)
  }

  /** The DATA items of a COMMIT, oldest first. */
  #namedData(item: Item): Lsn[] {
    const places: Lsn[] = []
    let place = item.previousData
    for (let left = item.dataCount; left > 0; left--) {
      const data = this.#data.get(place)
      if (data === undefined) {
        if (this.#options.rebuild && segmentOf(place as Lsn) < this.#core.log.tailSegment) break
        throw new BlazeError(
          'CORRUPT',
          `commit ${item.commit} names a part that the log does not hold; nothing was changed. Put a good copy of the folder in its place.`,
          {
            file: this.#core.path,
            offset: place,
            expected: 'a DATA item',
            found: 'none',
          },
        )
      }
      places.unshift(place as Lsn)
      place = data.previousData
    }
    return places
  }

  #entries(bytes: Uint8Array, segment: number, item: Item, commit: CommitNumber): void {
    let at = item.entriesStart
    while (at < item.end) {
      view.read(bytes, at)
      const end = view.end
      this.#entry(bytes, segment, view.commit > 0 ? (view.commit as CommitNumber) : commit)
      at = end
    }
  }

  #entry(bytes: Uint8Array, segment: number, commit: CommitNumber): void {
    const id = view.collection as CollectionId
    // A number is never used again, also when nothing but old bytes speak of it.
    if (id >= this.#core.nextCollectionId) this.#core.nextCollectionId = id + 1
    if (this.#options.only !== 'all' && isSystem(id) !== (this.#options.only === 'system')) return
    const put = view.kind === ENTRY_PUT
    const place = lsnOf(segment, view.start)
    const size = view.end - view.start
    const keysUnchanged = (view.kindFlags & ENTRY_KEYS_UNCHANGED) !== 0
    key.setStored(bytes, view.idKind, view.idStart, view.idSize)
    if (this.#options.only === 'all' && (id === CATALOGUE_ID || id === SHAPES_ID)) this.#definition(bytes, id, put)
    const collection = this.#core.byId.get(id)
    // Of a collection that was dropped later: nothing of it is left to keep up.
    if (collection === undefined) return
    this.#apply(collection, put, place, commit, size, keysUnchanged)
  }

  #apply(
    collection: CollectionState,
    put: boolean,
    place: Lsn,
    commit: CommitNumber,
    size: number,
    keysUnchanged: boolean,
  ): void {
    const { heap } = collection
    const { liveBytes } = this.#core
    const known = heap.find(key)
    const knownCommit = known < 0 ? -1 : heap.slots.commitOf(known)
    if (knownCommit > commit) return
    if (knownCommit === commit && put) {
      // A copy: the same content at another place.
      liveBytes.drop(heap.slots.placeOf(known))
      heap.slots.setPlace(known, place)
      liveBytes.add(place, size)
      return
    }
    const indexed = collection.indexes.length > 0 && !this.#options.rebuild && !keysUnchanged
    const live = known >= 0 && heap.isLive(known)
    if (indexed && known >= 0) this.#touchedOf(collection).note(known, live)
    if (live) liveBytes.drop(heap.slots.placeOf(known))
    if (!put) {
      heap.replayRemove(known, commit)
      return
    }
    const slot = heap.replayPut(known, key, place, commit)
    liveBytes.add(place, size)
    if (indexed && known < 0) this.#touchedOf(collection).note(slot, false)
  }

  /** After the last frame: brings the indexes to the newest state. */
  settle(): void {
    for (const touched of this.#touched.values()) touched.settle()
    this.#touched.clear()
  }

  #touchedOf(collection: CollectionState): TouchedSlots {
    let touched = this.#touched.get(collection)
    if (touched === undefined) {
      touched = new TouchedSlots(collection)
      this.#touched.set(collection, touched)
    }
    return touched
  }

  #definition(bytes: Uint8Array, collection: CollectionId, put: boolean): void {
    const id = key.idNumber()
    if (collection === SHAPES_ID) {
      if (put) this.#options.onShape(id, bytes.slice(view.recordStart, view.recordEnd))
      return
    }
    const { catalogue } = this.#core.system
    const record = put ? catalogue.codec.decode(bytes, view.recordStart, view.recordEnd, id) : undefined
    this.#options.onCatalogue(id as CollectionId, record)
  }
}
