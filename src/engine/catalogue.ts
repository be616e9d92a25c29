/**
 * The catalogue at open: collections and their indexes from the catalogue's records, in the checkpoint's image and then
 * in the log's tail. An index whose pages the image holds goes on from there; any other is built from the records.
 */
import type { CollectionId } from '../base/ids.ts'
import type { StoredRecord } from '../base/values.ts'
import { fromJsonForm } from '../codec/json-form.ts'
import type { IndexSpec } from '../indexes/index-spec.ts'
import type { Predicate } from '../query/query-data.ts'
import type { CollectionState } from './collection-state.ts'
import { type Core, SHAPES_PER_COLLECTION } from './core.ts'
import { makeIndex } from './ddl.ts'
import type { ImageReader } from './image.ts'
import { IndexLoad } from './index-load.ts'
import type { IndexState } from './index-state.ts'
import { makeCollection } from './system-collections.ts'
import { readTextSpec } from './text-spec.ts'

interface StoredIndex {
  readonly name: string
  readonly parts: readonly { readonly path: readonly string[]; readonly descending: boolean }[]
  readonly unique: boolean
  readonly each: boolean
  readonly nocase: boolean
  readonly declared: boolean
  readonly part: number
  readonly where: string | null
}

/** Index by index, what is still to be built before the database opens. */
export class CatalogueLoader {
  readonly #core: Core
  readonly #image: ImageReader
  /** Indexes whose entries must be made from the records. */
  readonly unbuilt: Map<CollectionState, StoredIndex[]> = new Map()
  #replaying = false

  constructor(core: Core, image: ImageReader) {
    this.#core = core
    this.#image = image
  }

  /** The collections of the image: from its catalogue and shapes. */
  loadImage(): void {
    const { catalogue, shapes } = this.#core.system
    for (const record of recordsOf(catalogue)) this.apply(record.id as CollectionId, record)
    const definitions = recordsOf(shapes).sort((a, b) => Number(a.id) - Number(b.id))
    for (const { id, bytes } of definitions) this.define(Number(id), bytes as Uint8Array)
    this.#replaying = true
  }

  /** A record of the catalogue; undefined: the collection was dropped. */
  apply(id: CollectionId, record: StoredRecord | undefined): void {
    const known = this.#core.byId.get(id)
    if (record === undefined) {
      if (known !== undefined) this.#forget(known)
      return
    }
    this.#core.nextCollectionId = Math.max(this.#core.nextCollectionId, id + 1)
    const description = {
      name: String(record['name']),
      schemaVersion: Number(record['schemaVersion']),
      hasSchema: record['hasSchema'] === true,
      text: readTextSpec(record['text']),
    }
    const collection = known ?? this.#make(id, description)
    this.#core.collections.delete(collection.name)
    this.#core.collections.set(description.name, collection)
    collection.description = description
    collection.logged = true
    this.#core.texts.declare(collection, description.text, this.#replaying ? undefined : this.#image.text(id))
    this.#setIndexes(collection, record['indexes'] as unknown as readonly StoredIndex[])
  }

  /** A shape's definition. */
  define(id: number, definition: Uint8Array): void {
    const collection = this.#core.byId.get(Math.floor(id / SHAPES_PER_COLLECTION) as CollectionId)
    if (collection === undefined) return
    const shape = id % SHAPES_PER_COLLECTION
    // A copy made by the cleaner comes again in a rebuild.
    if (shape < collection.codec.definitionCount) return
    collection.codec.define(shape, definition)
    collection.loggedDefinitions = collection.codec.definitionCount
  }

  /** Makes the entries of every index that has none yet, from the records. */
  buildMissing(): void {
    for (const [collection, stored] of this.unbuilt) {
      if (collection.dropped || stored.length === 0) continue
      const indexes = stored.map((each) => this.#makeIndex(collection, each, false))
      fillIndexes(collection, indexes)
      collection.indexes = [...collection.indexes, ...indexes]
    }
    this.unbuilt.clear()
  }

  #make(id: CollectionId, description: CollectionState['description']): CollectionState {
    const image = this.#replaying ? undefined : this.#image.heap(id)
    const collection = makeCollection(this.#core, id, description, image?.meta)
    if (image !== undefined) collection.heap.newestCommit = image.newestCommit
    return collection
  }

  #setIndexes(collection: CollectionState, stored: readonly StoredIndex[]): void {
    // An index that was made again has its old name and another part.
    const keys = new Set(stored.map(keyOf))
    const isKept = (index: IndexState): boolean => keys.has(keyOf({ name: index.spec.name, part: index.part }))
    for (const index of collection.indexes) if (!isKept(index)) index.drop()
    collection.indexes = collection.indexes.filter(isKept)
    const kept = new Set(collection.indexes.map((index) => keyOf({ name: index.spec.name, part: index.part })))
    const waiting = (this.unbuilt.get(collection) ?? []).filter((each) => keys.has(keyOf(each)))
    for (const each of stored) {
      if (kept.has(keyOf(each)) || waiting.some((other) => keyOf(other) === keyOf(each))) continue
      if (this.#replaying || this.#image.structure(collection.id, each.part) === undefined) waiting.push(each)
      else collection.indexes = [...collection.indexes, this.#makeIndex(collection, each, true)]
    }
    this.unbuilt.set(collection, waiting)
  }

  #makeIndex(collection: CollectionState, stored: StoredIndex, fromImage: boolean): IndexState {
    const spec: IndexSpec = {
      id: stored.part,
      name: stored.name,
      parts: stored.parts,
      unique: stored.unique,
      each: stored.each,
      nocase: stored.nocase,
    }
    const structure = fromImage ? this.#image.structure(collection.id, stored.part) : undefined
    return makeIndex(this.#core, collection, {
      spec,
      where: stored.where === null ? undefined : (fromJsonForm(JSON.parse(stored.where)) as unknown as Predicate),
      declared: stored.declared,
      part: stored.part,
      persistent: true,
      ...(structure === undefined ? {} : { numbers: structure.numbers, space: structure.meta }),
    })
  }

  #forget(collection: CollectionState): void {
    collection.dropped = true
    for (const index of collection.indexes) index.drop()
    this.#core.texts.forget(collection)
    for (let slot = 0; slot < collection.heap.slots.highSlot; slot++) {
      if (collection.heap.isLive(slot)) this.#core.liveBytes.drop(collection.heap.slots.placeOf(slot))
    }
    collection.heap.drop()
    this.#core.byId.delete(collection.id)
    this.#core.collections.delete(collection.name)
  }
}

function keyOf({ name, part }: { readonly name: string; readonly part: number }): string {
  return `${part}/${name}`
}

/** Enters every live record into new indexes; at open, where nobody waits for the event loop yet. */
function fillIndexes(collection: CollectionState, indexes: readonly IndexState[]): void {
  const load = new IndexLoad(collection, indexes)
  for (let slot = 0; slot < collection.heap.slots.highSlot; slot++) {
    if (collection.heap.isLive(slot)) load.add(slot)
  }
  load.finish()
}

function recordsOf(collection: CollectionState): StoredRecord[] {
  const records: StoredRecord[] = []
  const { heap } = collection
  for (let slot = 0; slot < heap.slots.highSlot; slot++) {
    if (heap.isLive(slot)) records.push(collection.readNewest(slot))
  }
  return records
}
