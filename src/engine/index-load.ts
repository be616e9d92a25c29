/**
 * Entries of a collection's indexes on their way in or out in bulk, at open: gathered, and applied in each index's order.
 * Nobody reads the indexes meanwhile, and they need no history. Of the records only the fields that the keys are made of
 * are read.
 */
import type { CommitNumber, Lsn } from '../base/ids.ts'
import type { StoredRecord } from '../base/values.ts'
import { EntryBatch } from '../indexes/entry-batch.ts'
import { KeyExtractor } from '../indexes/key-extractor.ts'
import { compilePredicate } from '../query/predicate.ts'
import type { CollectionState, FieldsReader } from './collection-state.ts'
import type { IndexState } from './index-state.ts'

/** One index, and what is gathered for it. */
interface Load {
  readonly index: IndexState
  readonly extractor: KeyExtractor
  readonly added: EntryBatch
  readonly dropped: EntryBatch
}

export class IndexLoad {
  readonly #collection: CollectionState
  readonly #loads: readonly Load[]
  readonly #read: FieldsReader
  readonly #readsId: boolean

  constructor(collection: CollectionState, indexes: readonly IndexState[]) {
    this.#collection = collection
    this.#loads = indexes.map(newLoad)
    const wanted = wantedFields(indexes)
    const { codec } = collection
    this.#read =
      wanted === undefined ? (bytes, start, end, id) => codec.decode(bytes, start, end, id) : codec.project(wanted)
    this.#readsId = wanted === undefined || wanted.has('id')
  }

  /** The keys of the newest version of a slot are added. */
  add(slot: number): void {
    const record = this.#newest(slot)
    for (const load of this.#loads) gather(load, load.added, record, slot)
  }

  /** The keys of the record that lay at `place`, not in pieces, are dropped. */
  drop(slot: number, place: Lsn): void {
    const record = this.#at(place)
    for (const load of this.#loads) gather(load, load.dropped, record, slot)
  }

  /** From the keys of the record at `place` to those of the newest version of a slot: what differs. */
  change(slot: number, place: Lsn): void {
    const before = this.#at(place)
    const after = this.#newest(slot)
    for (const load of this.#loads) {
      const { added, dropped } = load.index.changes(before, after)
      for (const { bytes } of dropped) load.dropped.add(bytes, bytes.length, slot)
      for (const { bytes } of added) load.added.add(bytes, bytes.length, slot)
      if (load.added.full || load.dropped.full) apply(load)
    }
  }

  /** Applies what is gathered still. */
  finish(): void {
    for (const load of this.#loads) apply(load)
  }

  #newest(slot: number): StoredRecord {
    const { slots } = this.#collection.heap
    return this.#collection.readFields(slots.placeOf(slot), slots.commitOf(slot), this.#read, this.#readsId)
  }

  #at(place: Lsn): StoredRecord {
    return this.#collection.readFields(place, 0 as CommitNumber, this.#read, this.#readsId)
  }
}

function newLoad(index: IndexState): Load {
  const { spec, where } = index
  const extractor = where === undefined ? new KeyExtractor(spec) : new KeyExtractor(spec, compilePredicate(where))
  return { index, extractor, added: new EntryBatch(), dropped: new EntryBatch() }
}

/** The fields of the top level that keys are made of; undefined: any, a condition decides. */
function wantedFields(indexes: readonly IndexState[]): ReadonlySet<string> | undefined {
  const wanted = new Set<string>()
  for (const { spec, where } of indexes) {
    if (where !== undefined) return undefined
    for (const { path } of spec.parts) wanted.add(path[0]!)
  }
  return wanted
}

function gather(load: Load, batch: EntryBatch, record: StoredRecord, slot: number): void {
  const count = load.extractor.extract(record)
  for (let i = 0; i < count; i++) {
    const { bytes, size } = load.extractor.key(i)
    batch.add(bytes, size, slot)
  }
  if (batch.full) apply(load)
}

/** What a slot drops it does not add, so their order is free. */
function apply({ index, added, dropped }: Load): void {
  const { main } = index.index
  dropped.deleteFrom(main)
  added.insertInto(main)
}
