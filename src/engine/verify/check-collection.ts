/**
 * One collection's structures against its records: table, buckets and counts, every index both ways, unique keys, pieces,
 * the schema. Each record is looked at in one turn, with all that should know it; between two of them anything may be
 * committed. What only adds up at the end (counts, bytes) is compared when nothing was changed meanwhile.
 */
import { isBlazeError } from '../../base/errors.ts'
import { type RecordId, segmentOf } from '../../base/ids.ts'
import { RecordKey } from '../../base/record-key.ts'
import type { StoredRecord } from '../../base/values.ts'
import { ZONE_BITS } from '../../mvcc/slots.ts'
import type { CollectionState } from '../collection-state.ts'
import type { Core } from '../core.ts'
import type { IndexState } from '../index-state.ts'
import type { Pieces } from './check-pieces.ts'
import { type Check, problem, problemOf } from './problem.ts'

export interface CollectionChecks {
  readonly pieces: Pieces
  /** Also runs the schema that this process declared. */
  readonly schema: boolean
  /** Counts what was looked at. */
  readonly counts: { records: number; indexEntries: number }
  /** Bytes of the entries of records, by segment. */
  readonly liveBytes: Map<number, number>
}

const key = new RecordKey()

/** Everything about one collection but its text. */
export function* checkCollection(core: Core, collection: CollectionState, checks: CollectionChecks): Check {
  const { heap } = collection
  const stamp = stampOf(core, collection)
  const tombstonesBefore = heap.slots.tombstoneCount
  let live = 0
  let tombstones = 0
  let keys = new Map<IndexState, number>()
  for (let slot = 0; slot < heap.slots.highSlot && !collection.dropped; slot++) {
    if (heap.slots.isFree(slot)) continue
    if (heap.slots.isTombstone(slot)) {
      tombstones++
      continue
    }
    live++
    if (!collection.system) checks.counts.records++
    yield* checkSlot(core, collection, slot, checks, keys)
    yield undefined
  }
  for (const index of usable(collection)) yield* checkEntries(collection, index, checks)
  if (stampOf(core, collection) !== stamp || collection.dropped) return
  keys = new Map([...keys].filter(([index]) => usable(collection).includes(index)))
  const wasPruned = heap.slots.tombstoneCount !== tombstonesBefore
  yield* checkCounts(collection, { live, tombstones: wasPruned ? undefined : tombstones, keys })
}

/** Changes with every commit and copy. Pruning frees tombstones without it. */
function stampOf(core: Core, { heap }: CollectionState): string {
  return `${core.log.end} ${heap.slots.highSlot}`
}

function usable(collection: CollectionState): IndexState[] {
  return collection.indexes.filter((index) => !index.building && !index.broken && !index.dropped)
}

/** One record, in one turn. */
function* checkSlot(
  core: Core,
  collection: CollectionState,
  slot: number,
  checks: CollectionChecks,
  keys: Map<IndexState, number>,
): Check {
  const { heap, name } = collection
  const place = { collection: name }
  let record: StoredRecord
  const lsn = heap.slots.placeOf(slot)
  try {
    const inPieces = collection.piecesAt(lsn)
    if (inPieces !== undefined) yield* checks.pieces.note(collection, slot, inPieces)
    const segment = segmentOf(lsn)
    checks.liveBytes.set(segment, (checks.liveBytes.get(segment) ?? 0) + core.liveBytes.sizeOf(lsn))
    record = collection.readNewest(slot)
  } catch (error) {
    yield problemOf(isMissingPiece(error) ? 'piece' : 'record', error, place)
    return
  }
  const { id } = record
  yield* checkTable(core, collection, slot, id)
  for (const index of usable(collection)) {
    const found = index.keysOf(record)
    keys.set(index, (keys.get(index) ?? 0) + found.length)
    for (const { bytes: keyBytes, complete } of found) {
      const { main } = index.index
      if (!main.has(keyBytes, keyBytes.length, slot)) {
        yield problem('index', `index ${name}.${index.spec.name} lacks the entry of this record`, { ...place, id })
      }
      const holder = index.spec.unique && complete ? main.firstRecord(keyBytes, keyBytes.length) : slot
      if (holder !== slot && holder >= 0) {
        yield problem('unique', `another record has the same key of the unique ${name}.${index.spec.name}`, {
          ...place,
          id,
        })
      }
    }
  }
  if (checks.schema) yield* checkSchema(collection, record)
}

/** The table leads from the id to this slot, and its marks are those of what is there. */
function* checkTable(core: Core, collection: CollectionState, slot: number, id: RecordId): Check {
  const { heap, name } = collection
  const place = { collection: name, id }
  if (!key.set(id)) {
    yield problem('record', `the record in slot ${slot} has no valid id`, place)
    return
  }
  const found = heap.find(key)
  if (found !== slot) yield problem('table', `the record is in slot ${slot}, its bucket says ${found}`, place)
  const commit = heap.slots.commitOf(slot)
  if (commit > core.installed) yield problem('table', `slot ${slot} is of a commit to come, ${commit}`, place)
  if (commit > heap.zoneCommit(slot >>> ZONE_BITS)) {
    yield problem('table', `slot ${slot} is of commit ${commit}, above the mark of its zone`, place)
  }
}

function* checkSchema(collection: CollectionState, record: StoredRecord): Check {
  try {
    collection.rules?.validate(record)
  } catch (error) {
    if (!isBlazeError(error)) throw error
    yield problem('schema', error.message, { collection: collection.name, id: record.id })
  }
}

/** Every entry of an index is a key of the record that it names. */
function* checkEntries(collection: CollectionState, index: IndexState, checks: CollectionChecks): Check {
  const { heap, name } = collection
  const called = `${name}.${index.spec.name}`
  const cursor = index.index.main.cursor({}, false)
  try {
    for (; usable(collection).includes(index) && cursor.next(); ) {
      checks.counts.indexEntries++
      const slot = cursor.record
      const isLive = slot < heap.slots.highSlot && heap.isLive(slot)
      if (!isLive)
        yield problem('index', `an entry of ${called} names slot ${slot}, which holds no record`, { collection: name })
      else yield* checkEntry(collection, index, slot, cursor.keyBytes.subarray(0, cursor.keySize))
      yield undefined
    }
  } catch (error) {
    yield problemOf('index', error, { collection: name })
  }
}

function* checkEntry(collection: CollectionState, index: IndexState, slot: number, bytes: Uint8Array): Check {
  let record: StoredRecord
  try {
    record = collection.readNewest(slot)
  } catch (error) {
    // Told when the record itself was looked at.
    problemOf('record', error)
    return
  }
  if (index.hasAny(record, [{ bytes, complete: true }])) return
  const text = `an entry of ${collection.name}.${index.spec.name} is no key of the record that it names`
  yield problem('index', text, { collection: collection.name, id: record.id })
}

function* checkCounts(
  collection: CollectionState,
  {
    live,
    tombstones,
    keys,
  }: {
    readonly live: number
    /** Undefined: some were freed meanwhile. */
    readonly tombstones: number | undefined
    readonly keys: ReadonlyMap<IndexState, number>
  },
): Check {
  const { heap, name } = collection
  const place = { collection: name }
  if (live !== heap.liveCount) yield problem('table', `${name} counts ${heap.liveCount} records and has ${live}`, place)
  const counted = heap.slots.tombstoneCount
  if (tombstones !== undefined && tombstones !== counted)
    yield problem('table', `${name} counts ${counted} tombstones and has ${tombstones}`, place)
  for (const index of usable(collection)) {
    const expected = keys.get(index) ?? 0
    const { count } = index.index
    if (expected === count) continue
    yield problem('index', `${name}.${index.spec.name} counts ${count} entries, the records give ${expected}`, place)
  }
}

function isMissingPiece(error: unknown): boolean {
  return isBlazeError(error, 'CORRUPT') && error.details.expected.startsWith('piece ')
}
