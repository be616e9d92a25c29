/**
 * Changes of the catalogue while the database is open: indexes made and dropped, collections dropped and renamed. Each
 * is one commit of catalogue records. They hold for all readers from that commit on, older snapshots included.
 *
 * An index is built from the newest installed state, slot by slot in slices, while commits maintain it: whatever a slot
 * holds when the builder comes to it is entered, whatever changes later is kept up, and entering a pair twice does
 * nothing. Readers use it from the commit that says it is ready; a crash before that leaves nothing of it.
 */
import { BlazeError, isBlazeError } from '../base/errors.ts'
import { type Lsn, segmentOf } from '../base/ids.ts'
import { type IndexForm, type IndexSpec, parseIndexSpec } from '../indexes/index-spec.ts'
import { OrderedIndex } from '../indexes/ordered-index.ts'
import { PageSpace } from '../pages/page-table.ts'
import type { Predicate } from '../query/query-data.ts'
import type { Where } from '../query/types.ts'
import { parseWhere } from '../query/where.ts'
import type { CollectionDescription, CollectionState } from './collection-state.ts'
import { commit, PIECE_BYTES } from './commit.ts'
import type { Core } from './core.ts'
import { IndexState, treeMeta } from './index-state.ts'
import { throwIfAborted } from './run-transaction.ts'
import { END_INDEX_STRUCTURE, FIRST_INDEX_STRUCTURE, structureOf } from './structures.ts'
import { WriteSet } from './write-set.ts'

/** Told as an index is built. */
export interface Progress {
  readonly collection: string
  readonly step: string
  readonly done: number
  readonly total: number
}

export interface CreateIndexOptions {
  readonly onProgress?: (progress: Progress) => void
  readonly signal?: AbortSignal
  /** Made by open() for a declared collection. */
  readonly declared?: boolean
}

/** A slice of a build holds the event loop no longer. */
const SLICE_MS = 2
const SLOTS_PER_LOOK = 32

/** An index of a collection over its own pages, or over those of the checkpoint's image. */
export function makeIndex(
  core: Core,
  collection: CollectionState,
  options: {
    readonly spec: IndexSpec
    readonly where: Predicate | undefined
    readonly declared: boolean
    readonly part: number
    /** False while it is built: then its pages are in no checkpoint. */
    readonly persistent: boolean
    readonly numbers?: readonly number[]
    readonly space?: { readonly pageCount: number; readonly freeHead: number }
  },
): IndexState {
  const structure = structureOf(collection.id, options.part)
  const space = new PageSpace(core.pages, {
    structure,
    persistent: options.persistent,
    ...(options.space === undefined ? {} : { meta: options.space }),
  })
  const historySpace = new PageSpace(core.pages, { structure, persistent: false })
  const meta = options.numbers === undefined ? undefined : treeMeta(options.numbers)
  const index = new IndexState({
    space,
    historySpace,
    spec: options.spec,
    where: options.where,
    declared: options.declared,
    part: options.part,
    collection: collection.name,
    heap: collection.heap,
    readSlot: (slot, snapshot) => collection.readSlot(slot, snapshot),
    readNewest: (slot) => collection.readNewest(slot),
    index: new OrderedIndex({ main: space, history: historySpace }, meta),
  })
  index.onBroken = () => core.onBrokenIndex(collection, index)
  return index
}

/** Makes an index again from the records, under a new structure: a damaged one, or one whose pages are mostly free. */
export async function remakeIndex(
  core: Core,
  collection: CollectionState,
  old: IndexState,
  signal?: AbortSignal,
): Promise<void> {
  if (collection.dropped || !collection.indexes.includes(old)) return
  const { spec, where, declared } = old
  const part = freePart(core, collection)
  const index = makeIndex(core, collection, { spec: { ...spec, id: part }, where, declared, part, persistent: false })
  await buildAndLog(core, collection, index, signal === undefined ? {} : { signal }, old)
}

export function createIndex(
  core: Core,
  collection: CollectionState,
  form: IndexForm,
  options: CreateIndexOptions,
): Promise<void> {
  return addIndex(core, collection, (part) => indexOf(form, part), options)
}

/** An index as its form says, or as it was described elsewhere. */
export async function addIndex(
  core: Core,
  collection: CollectionState,
  specOf: (part: number) => { readonly spec: IndexSpec; readonly where: Predicate | undefined },
  options: CreateIndexOptions,
): Promise<void> {
  core.assertOpen()
  core.assertWritable()
  throwIfAborted(options.signal)
  const part = freePart(core, collection)
  const { spec, where } = specOf(part)
  if (collection.indexes.some((each) => each.spec.name === spec.name)) {
    throw new BlazeError(
      'INVALID_ARGUMENT',
      `${collection.name} has an index named '${spec.name}'; drop it first, or give the new one another name`,
      { argument: 'name' },
    )
  }
  const index = makeIndex(core, collection, {
    spec,
    where,
    declared: options.declared === true,
    part,
    persistent: false,
  })
  await buildAndLog(core, collection, index, options)
}

/** Builds an index beside the others and logs that it is ready; `replaced` goes in the same commit. */
async function buildAndLog(
  core: Core,
  collection: CollectionState,
  index: IndexState,
  options: CreateIndexOptions,
  replaced?: IndexState,
): Promise<void> {
  index.building = true
  collection.indexes = [...collection.indexes, index]
  try {
    await build(core, collection, index, options)
    await switchOn(core, collection, index, replaced)
  } catch (error) {
    index.building = true
    collection.indexes = collection.indexes.filter((each) => each !== index)
    takeDownIndex(core, index)
    throw error
  }
  if (replaced !== undefined) takeDownIndex(core, replaced)
}

/** The commit from which readers use the index; refused, it is as it was. */
function switchOn(
  core: Core,
  collection: CollectionState,
  index: IndexState,
  replaced: IndexState | undefined,
): Promise<void> {
  index.building = false
  const indexes = collection.indexes.filter((each) => each !== replaced)
  return commitCatalogue(core, collection, { indexes }, () => {
    index.persist()
    index.readyAt = core.installed
  })
}

/** The spec and the filter of a form; INVALID_ARGUMENT, INVALID_QUERY. */
export function indexOf(
  form: IndexForm,
  part = 0,
): { readonly spec: IndexSpec; readonly where: Predicate | undefined } {
  const spec = parseIndexSpec(form, part)
  // The spec's `where` is the user's filter object, which parseWhere checks.
  return { spec, where: spec.where === undefined ? undefined : parseWhere(spec.where as Where<unknown>) }
}

/** From here nobody reads it: a query in the middle of it is told so. */
function takeDownIndex(core: Core, index: IndexState): void {
  index.dropped = true
  core.takeDown(() => index.drop())
}

export async function dropIndex(core: Core, collection: CollectionState, name: string): Promise<boolean> {
  core.assertOpen()
  core.assertWritable()
  const index = collection.indexes.find((each) => each.spec.name === name && !each.building)
  if (index === undefined) return false
  const indexes = collection.indexes.filter((each) => each !== index)
  await commitCatalogue(core, collection, { indexes }, () => takeDownIndex(core, index))
  return true
}

export async function dropCollection(core: Core, name: string): Promise<boolean> {
  core.assertOpen()
  core.assertWritable()
  const collection = core.collections.get(name)
  if (collection === undefined || !collection.logged) return false
  const writes = new WriteSet()
  for (let shape = 0; shape < collection.loggedDefinitions; shape++) {
    writes.remove(core.system.shapes, core.shapeId(collection, shape))
  }
  const places = livePlaces(collection)
  if (core.system.pieces.heap.liveCount > 0) removePieces(core, collection, places, writes)
  writes.remove(core.system.catalogue, collection.id)
  let counting: DeadCount | undefined
  try {
    await settled((settle) => {
      commit(core, writes, { durability: 'full', snapshot: undefined }, settle)
      counting = new DeadCount(core, places)
      collection.dropped = true
      core.collections.delete(name)
      core.byId.delete(collection.id)
      core.derived.forget(collection)
      core.texts.forget(collection)
    })
  } catch (error) {
    if (counting !== undefined) {
      counting.undo()
      putBack(core, collection)
    }
    throw error
  }
  core.takeDown(() => {
    for (const index of collection.indexes) index.drop()
    collection.heap.drop()
  })
  await counting?.run()
  return true
}

/** Where the newest versions of all its records lie. */
function livePlaces({ heap }: CollectionState): Lsn[] {
  const places: Lsn[] = []
  for (let slot = 0; slot < heap.slots.highSlot; slot++) {
    if (heap.isLive(slot)) places.push(heap.slots.placeOf(slot))
  }
  return places
}

/** Deletes the pieces of its large records: each record is looked at, in this turn. */
function removePieces(core: Core, collection: CollectionState, places: readonly Lsn[], writes: WriteSet): void {
  for (const place of places) {
    const pieces = collection.piecesAt(place)
    for (let piece = 0; pieces !== undefined && piece * PIECE_BYTES < pieces.size; piece++) {
      writes.remove(core.system.pieces, `${pieces.object}:${piece}`)
    }
  }
}

/** Counts what lay at some places as dead, for the cleaner. Segments that are gone meanwhile took theirs with them. */
class DeadCount {
  readonly #core: Core
  readonly #places: readonly Lsn[]
  #at = 0

  /** From here an image of a checkpoint, which is to be exact, has the rest counted first. */
  constructor(core: Core, places: readonly Lsn[]) {
    this.#core = core
    this.#places = places
    core.beforeImage.add(this.finish)
  }

  /** The rest at once. */
  readonly finish = (): void => this.#until(Number.POSITIVE_INFINITY)

  /** In slices, because each size is read from the log. */
  async run(): Promise<void> {
    const { clock } = this.#core.platform
    try {
      while (this.#at < this.#places.length) {
        this.#until(clock.monotonic() + SLICE_MS)
        this.#core.safePoint()
        await clock.yield()
        if (this.#core.closing) this.finish()
      }
    } finally {
      this.#core.beforeImage.delete(this.finish)
    }
  }

  /** Nothing was dropped: what has been counted as dead is needed. */
  undo(): void {
    this.#core.beforeImage.delete(this.finish)
    const { liveBytes } = this.#core
    for (const place of this.#places.slice(0, this.#at)) liveBytes.add(place, liveBytes.sizeOf(place))
    this.#at = this.#places.length
  }

  #until(endMs: number): void {
    const { clock } = this.#core.platform
    for (; this.#at < this.#places.length; this.#at++) {
      if (this.#at % SLOTS_PER_LOOK === 0 && clock.monotonic() >= endMs) return
      const place = this.#places[this.#at]!
      if (segmentOf(place) >= this.#core.log.tailSegment) dropBytes(this.#core, place)
    }
  }
}

function dropBytes(core: Core, place: Lsn): void {
  try {
    core.liveBytes.drop(place)
  } catch (error) {
    // Of a frame that cannot be read the cleaner will say so itself; here it costs a count.
    if (!isBlazeError(error)) throw error
  }
}

/** The write of a drop has failed, so it is never published: reads go on with what was there. Nothing is written any more. */
function putBack(core: Core, collection: CollectionState): void {
  collection.dropped = false
  core.collections.set(collection.name, collection)
  core.byId.set(collection.id, collection)
  core.texts.declare(collection, collection.description.text)
}

export async function renameCollection(core: Core, name: string, to: string): Promise<void> {
  core.assertOpen()
  core.assertWritable()
  const collection = core.collections.get(name)
  if (collection === undefined) {
    throw new BlazeError('NOT_FOUND', `there is no collection '${name}' to rename`, { collection: name, id: name })
  }
  const target = core.collections.get(to)
  if (target !== undefined && (target.logged || target.rules !== undefined || target === collection)) {
    throw new BlazeError('INVALID_ARGUMENT', `there is a collection '${to}' already; nothing was renamed`, {
      argument: 'to',
    })
  }
  const before = collection.description
  const description = { ...before, name: to }
  try {
    await commitCatalogue(core, collection, { description }, () => {
      core.collections.delete(name)
      core.collections.set(to, collection)
      if (target === undefined) return
      // A name that was only asked for: a transaction that is about to write to it has to look again.
      target.dropped = true
      core.byId.delete(target.id)
      core.derived.forget(target)
      core.texts.forget(target)
    })
  } catch (error) {
    // Its write has failed, so it is never published: reads go on under the old name.
    if (core.collections.get(to) === collection) {
      collection.description = before
      core.collections.delete(to)
      core.collections.set(name, collection)
    }
    throw error
  }
}

/**
 * Logs what the catalogue is to hold of a collection; memory follows in the same turn, once the commit is taken, so that a
 * refusal (a full disk) leaves both as they were. `applied` is called in that turn.
 */
export function commitCatalogue(
  core: Core,
  collection: CollectionState,
  next: { readonly description?: CollectionDescription; readonly indexes?: readonly IndexState[] },
  applied: () => void = () => undefined,
  writes: WriteSet = new WriteSet(),
): Promise<void> {
  const { description = collection.description, indexes = collection.indexes } = next
  return settled((settle) => {
    const record = core.catalogueRecord(collection, description, indexes)
    writes.put(core.system.catalogue, collection.id, record)
    commit(core, writes, { durability: 'full', snapshot: undefined }, settle)
    collection.description = description
    core.texts.declare(collection, description.text)
    collection.indexes = indexes
    collection.logged = true
    applied()
  })
}

/** Enters every record of the newest installed state, in slices. */
async function build(
  core: Core,
  collection: CollectionState,
  index: IndexState,
  { onProgress, signal }: CreateIndexOptions,
): Promise<void> {
  const { heap } = collection
  const { clock } = core.platform
  let started = clock.monotonic()
  for (let slot = 0; slot < heap.slots.highSlot; slot++) {
    if (heap.isLive(slot)) {
      index.enter(collection.readNewest(slot), slot)
    }
    if (slot % SLOTS_PER_LOOK !== 0 || clock.monotonic() - started < SLICE_MS) continue
    onProgress?.({
      collection: collection.name,
      step: `index ${index.spec.name}`,
      done: slot,
      total: heap.slots.highSlot,
    })
    index.assertUnique()
    core.safePoint()
    await clock.yield()
    throwIfAborted(signal)
    assertStillThere(core, collection)
    started = clock.monotonic()
  }
  index.assertUnique()
}

function assertStillThere(core: Core, collection: CollectionState): void {
  core.assertWritable()
  if (!collection.dropped) return
  throw new BlazeError('NOT_FOUND', `${collection.name} was dropped while its index was built; there is no index`, {
    collection: collection.name,
    id: collection.name,
  })
}

/**
 * A structure number that no index of the collection has, and of which the page files hold nothing: the map would keep
 * the dropped one's pages beyond the new one's last, and their segments could never go. With all the others taken, any.
 */
function freePart(core: Core, collection: CollectionState): number {
  let unused: number | undefined
  for (let part = FIRST_INDEX_STRUCTURE; part < END_INDEX_STRUCTURE; part++) {
    if (collection.indexes.some((each) => each.part === part)) continue
    if (!core.isMapped(structureOf(collection.id, part))) return part
    unused ??= part
  }
  if (unused !== undefined) return unused
  const limit = END_INDEX_STRUCTURE - FIRST_INDEX_STRUCTURE
  throw new BlazeError('TOO_LARGE', `${collection.name} has ${limit} indexes, the most there can be; drop one first`, {
    limit,
    actual: limit + 1,
  })
}

/** A commit as a promise. */
export function settled(start: (settle: (error: BlazeError | undefined) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error === undefined ? resolve() : reject(error)))
  })
}
