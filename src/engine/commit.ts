/**
 * COMMIT: the one way anything gets into the database. Single calls, batches, transactions, schema changes and the
 * engine's own records all come through `commit()`.
 *
 *   write set ─1 prepare→ planned writes ─2 check→ ─3 log→ ─4 install→ ─5 submit→ (device) ─6 publish→ acknowledged
 *
 * Steps 1 to 5 are one synchronous turn. Until step 3 nothing has been touched: every refusal comes before it. From
 * step 3 on nothing can be refused.
 *
 *  1. Find each record's slot and newest state; leave out deletes of what is not there; compute index keys.
 *  2. Unique keys, room in the log and in the record table.
 *  3. Take the commit number; copy definitions that the bytes need and the entries into the open frame: one COMMIT
 *     item, or DATA items before it for what does not fit a frame.
 *  4. Install: slots, versions, index entries, the ring of recent writes.
 *  5. Submit to the log. What follows (durable, visible, acknowledged) is the publisher's.
 *
 * First committer wins, reads of serializable transactions: validated by the caller in this same turn (conflict.ts).
 */
import { setU53 } from '../base/binary.ts'
import { BlazeError, isBlazeError } from '../base/errors.ts'
import type { CommitNumber, Lsn, RecordId } from '../base/ids.ts'
import { lsnOf } from '../base/ids.ts'
import { RecordKey } from '../base/record-key.ts'
import { parseUuid } from '../base/uuid.ts'
import type { StoredRecord } from '../base/values.ts'
import {
  COMMIT_HEAD,
  COMMIT_HEAD_WITH_DATA,
  DATA_HEAD,
  ENTRY_DELETE,
  ENTRY_KEYS_UNCHANGED,
  ENTRY_PIECES,
  ENTRY_PUT,
  entrySize,
  writeCommitHead,
  writeDataHead,
  writeEntryHead,
} from '../codec/entry.ts'
import { MAX_ITEM } from '../wal/frame.ts'
import type { CollectionState } from './collection-state.ts'
import { conflictWith } from './conflict-error.ts'
import type { Core } from './core.ts'
import type { KeyChange } from './index-state.ts'
import type { Durability, Pending } from './publisher.ts'
import { checkUnique, noteUnique, type UniqueKeys } from './unique-keys.ts'
import type { WriteEntry, WriteSet } from './write-set.ts'

/** Records above it are kept in pieces, so that an ordinary frame holds any entry. */
export const PIECES_FROM = 32768
/** Bytes of one piece: with its heads below the largest frame. */
export const PIECE_BYTES: number = 1024 * 1024 - 4096
/** What the entry of a record in pieces holds: object UUID and length. */
const PIECES_SIZE = 24

/** One entry on its way into the log. */
interface Planned {
  readonly collection: CollectionState
  readonly id: RecordId
  readonly source: Uint8Array
  readonly start: number
  readonly end: number
  kindFlags: number
  /** Slot of the record before; -1 when there is none. */
  slot: number
  size: number
  readonly keys: readonly KeyChange[] | undefined
  /** Since when the record has had the keys that it gives up, by index; undefined where nobody has looked. */
  begins: readonly CommitNumber[] | undefined
  readonly after: StoredRecord | undefined
  /** The words of a packed UUID, so that its text is parsed once. */
  readonly uuid: boolean
  readonly w0: number
  readonly w1: number
  readonly w2: number
  readonly w3: number
}

const key = new RecordKey()

/** How the outcome of a commit is awaited; see Publisher. */
export type Settle = Pending['settle']

/**
 * Commits a write set in this turn. `settle` is called when it is visible or lost; when nothing is left to write it is
 * called when what is there now is visible. Throws before anything is touched.
 */
export function commit(
  core: Core,
  writes: WriteSet,
  options: { readonly durability: Durability; readonly snapshot: CommitNumber | undefined },
  settle: Settle,
): void {
  core.assertWritable()
  const planned = prepare(core, writes, options.snapshot)
  if (planned.length === 0) {
    core.publisher.whenVisible(core.installed, settle)
    return
  }
  planDefinitions(core, planned)
  const items = packItems(planned)
  // What only deletes frees space, so it may use the last of it.
  const useReserve = planned.every((entry) => (entry.kindFlags & ENTRY_PUT) === 0)
  core.log.canReserve(
    items.reduce((sum, item) => sum + item.size, 0),
    { useReserve },
  )

  const number = (core.installed + 1) as CommitNumber
  core.installed = number
  markDefined(planned)
  installAll(core, number, items, writeItems(core, number, items, options.durability))
  core.publisher.push({ commit: number, end: core.log.end, durability: options.durability, settle })
  core.log.submit(options.durability)
}

/** Step 1 and 2: what each entry means against the newest installed state. */
function prepare(core: Core, writes: WriteSet, snapshot: CommitNumber | undefined): Planned[] {
  const planned: Planned[] = []
  const entries = writes.entries()
  const unique: UniqueKeys | undefined = entries.length > 1 ? { released: new Set(), taken: new Map() } : undefined
  for (const entry of entries) {
    const { collection } = entry
    if (collection.dropped) throw conflictWith(collection, entry.id)
    for (const index of collection.indexes) index.assertCheckable()
    key.set(entry.id)
    const found = collection.heap.find(key)
    const live = found >= 0 && collection.heap.isLive(found)
    if (entry.after === undefined && !live) continue
    if (found < 0 && !collection.heap.hasRoom(entries.length)) throw tooManyRecords(collection)
    const before = live && collection.indexes.length > 0 ? collection.readNewest(found, entry.id) : undefined
    const keys = collection.indexes.length > 0 ? keyChanges(collection, before, entry.after) : undefined
    if (keys !== undefined && unique !== undefined) noteUnique(unique, keys, entry)
    planPieces(core, entry, writes.arena, found, live, keys, planned)
    if (keys !== undefined && live && core.snapshots.count > 0) noteBegins(planned, collection, found, keys)
  }
  for (const plan of planned) if (plan.keys !== undefined) checkUnique(plan, unique, snapshot)
  return planned
}

/**
 * With older versions, held for a snapshot, it takes a look at the newest of them to know since when the record has had a
 * key that it now gives up: since its last version, if the one before lacked it. Else that stays open (0), and what the
 * index keeps of it lives as long as any older snapshot: a long reader would cost an entry for each update.
 */
function noteBegins(planned: Planned[], collection: CollectionState, slot: number, keys: readonly KeyChange[]): void {
  const own = planned.findLast((each) => each.keys === keys)
  const older = collection.heap.newestSuperseded(slot)
  if (own === undefined || older === undefined || keys.every(({ dropped }) => dropped.length === 0)) return
  let record: StoredRecord
  try {
    record = collection.readPlace(older.place, older.snapshot)
  } catch (error) {
    // An old version that cannot be read keeps nobody from writing a new one.
    if (!isBlazeError(error)) throw error
    return
  }
  const begin = collection.heap.slots.commitOf(slot)
  own.begins = keys.map(({ index, dropped }) => (index.hasAny(record, dropped) ? (0 as CommitNumber) : begin))
}

/**
 * Plans an entry. A large record's pieces come before it, and those of the one it replaces go after it: a replay, entry
 * by entry, can then read the record before and the record after.
 */
function planPieces(
  core: Core,
  entry: WriteEntry,
  arena: Uint8Array,
  slot: number,
  live: boolean,
  keys: readonly KeyChange[] | undefined,
  planned: Planned[],
): void {
  const { collection, id } = entry
  const keysUnchanged = keys?.every((change) => change.added.length === 0 && change.dropped.length === 0) ?? true
  const flags =
    (entry.after === undefined ? ENTRY_DELETE : ENTRY_PUT) | (live && keysUnchanged ? ENTRY_KEYS_UNCHANGED : 0)
  const old = live ? collection.piecesAt(collection.heap.slots.placeOf(slot)) : undefined
  const known = { slot, keys, after: entry.after }
  if (entry.end - entry.start <= PIECES_FROM) {
    planned.push(Object.assign(plan(collection, id, arena, entry.start, entry.end, flags), known))
  } else {
    const pointer = planNewPieces(core, entry, arena, planned)
    planned.push(Object.assign(plan(collection, id, pointer, 0, PIECES_SIZE, flags | ENTRY_PIECES), known))
  }
  for (let piece = 0; old !== undefined && piece * PIECE_BYTES < old.size; piece++) {
    const gone = plan(core.system.pieces, `${old.object}:${piece}`, arena, 0, 0, ENTRY_DELETE)
    // A piece that damage has taken cannot be deleted; the record goes all the same.
    if (gone.slot >= 0) planned.push(gone)
  }
}

/** Plans the pieces of a large record; gives what its entry holds instead of it. */
function planNewPieces(core: Core, entry: WriteEntry, arena: Uint8Array, planned: Planned[]): Uint8Array {
  const object = core.newId()
  for (let start = entry.start, piece = 0; start < entry.end; start += PIECE_BYTES, piece++) {
    const end = Math.min(entry.end, start + PIECE_BYTES)
    planned.push(plan(core.system.pieces, `${object}:${piece}`, arena, start, end, ENTRY_PUT))
  }
  const pointer = new Uint8Array(PIECES_SIZE)
  parseUuid(object, pointer, 0)
  setU53(pointer, 16, entry.end - entry.start)
  return pointer
}

function plan(
  collection: CollectionState,
  id: RecordId,
  source: Uint8Array,
  start: number,
  end: number,
  kindFlags: number,
): Planned {
  key.set(id)
  const slot = collection.system ? collection.heap.find(key) : -1
  const size = entrySize(key.idSize, end - start, false)
  const words = key.words
  return {
    collection,
    id,
    source,
    start,
    end,
    kindFlags,
    slot,
    size,
    keys: undefined,
    begins: undefined,
    after: undefined,
    uuid: key.uuid,
    w0: words[0]! | 0,
    w1: words[1]! | 0,
    w2: words[2]! | 0,
    w3: words[3]! | 0,
  }
}

/** Catalogue records and definitions that the entries need and the log does not hold yet go first. */
function planDefinitions(core: Core, planned: Planned[]): void {
  const needed: Planned[] = []
  const seen = new Set<CollectionState>()
  for (const { collection } of planned) {
    if (seen.has(collection) || collection.system) continue
    seen.add(collection)
    if (!collection.logged) {
      const bytes = core.catalogueRecord(collection)
      needed.push(plan(core.system.catalogue, collection.id, bytes, 0, bytes.length, ENTRY_PUT))
    }
    for (let n = collection.loggedDefinitions; n < collection.codec.definitionCount; n++) {
      const bytes = collection.codec.definition(n)
      needed.push(plan(core.system.shapes, core.shapeId(collection, n), bytes, 0, bytes.length, ENTRY_PUT))
    }
  }
  if (needed.length > 0) planned.unshift(...needed)
}

/** From here the log holds what planDefinitions added. */
function markDefined(planned: readonly Planned[]): void {
  for (const { collection } of planned) {
    if (collection.system) continue
    collection.logged = true
    collection.loggedDefinitions = collection.codec.definitionCount
  }
}

/** A run of entries that goes into one item. */
interface PlannedItem {
  readonly entries: Planned[]
  size: number
}

/** Parts the entries into items that fit a frame; the last becomes the COMMIT. A piece stands alone. */
function packItems(planned: readonly Planned[]): PlannedItem[] {
  let item: PlannedItem = { entries: [], size: COMMIT_HEAD_WITH_DATA }
  const items = [item]
  for (const each of planned) {
    if (item.entries.length > 0 && item.size + each.size > MAX_ITEM) {
      item = { entries: [], size: COMMIT_HEAD_WITH_DATA }
      items.push(item)
    }
    item.entries.push(each)
    item.size += each.size
  }
  // A COMMIT must fit an ordinary frame: when the last item is a piece, the COMMIT follows it empty.
  if (item.size > MAX_ITEM) items.push({ entries: [], size: COMMIT_HEAD_WITH_DATA })
  const only = items.length === 1
  for (const [at, each] of items.entries()) {
    if (only) each.size += COMMIT_HEAD - COMMIT_HEAD_WITH_DATA
    else if (at < items.length - 1) each.size += DATA_HEAD - COMMIT_HEAD_WITH_DATA
  }
  return items
}

/** Makes `key` the entry's. */
function useKey(entry: Planned): void {
  if (entry.uuid) key.setUuidWords(entry.w0, entry.w1, entry.w2, entry.w3)
  else key.set(entry.id)
}

/** Step 3: fills the reserved items; gives the place of each entry, in order. Nothing in here may fail. */
function writeItems(core: Core, number: CommitNumber, items: readonly PlannedItem[], durability: Durability): Lsn[] {
  const { log } = core
  let lastData: Lsn = 0 as Lsn
  const dataSegments: number[] = []
  const places: Lsn[] = []
  for (const [at, item] of items.entries()) {
    log.reserve(item.size)
    const bytes = log.itemBytes
    const start = log.itemOffset
    const isCommit = at === items.length - 1
    let next: number = isCommit
      ? writeCommitHead(bytes, start, {
          size: item.size,
          commit: number,
          time: core.platform.clock.now(),
          relaxed: durability !== 'full',
          lastData,
          dataCount: items.length - 1,
        })
      : writeDataHead(bytes, start, item.size, number, lastData)
    if (isCommit) noteDataSegments(core, dataSegments, log.itemSegment, number)
    else {
      lastData = lsnOf(log.itemSegment, start)
      dataSegments.push(log.itemSegment)
    }
    for (const entry of item.entries) {
      useKey(entry)
      places.push(lsnOf(log.itemSegment, next))
      writeEntry(bytes, next, log.frameOffset, entry)
      next += entry.size
    }
  }
  return places
}

/**
 * Step 4. The log holds the commit; only damage on disk, found as a cold page is loaded, can stop it here. An index that
 * is damaged is made again; damage of the record table ends the use of this open, and the next one rebuilds.
 */
function installAll(core: Core, number: CommitNumber, items: readonly PlannedItem[], places: readonly Lsn[]): void {
  try {
    let at = 0
    for (const { entries } of items) for (const entry of entries) install(core, number, entry, places[at++]!)
  } catch (error) {
    core.noteHalfInstalled(error)
  }
}

/** The cleaner must know the commit of DATA whose COMMIT lies in a later segment. */
function noteDataSegments(
  core: Core,
  dataSegments: readonly number[],
  commitSegment: number,
  number: CommitNumber,
): void {
  for (const segment of dataSegments) if (segment !== commitSegment) core.dataCommits.note(segment, number, number)
}

function writeEntry(bytes: Uint8Array, at: number, frameStart: number, entry: Planned): void {
  const recordSize = entry.end - entry.start
  const idAt = writeEntryHead(
    bytes,
    at,
    frameStart,
    entry.kindFlags | key.idKind,
    entry.collection.id,
    key.idSize,
    recordSize,
    0,
  )
  copy(key.idBytes, 0, key.idSize, bytes, idAt)
  copy(entry.source, entry.start, entry.end, bytes, idAt + key.idSize)
}

/** Below about 64 bytes a loop beats the call of `set` with its subarray. */
function copy(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  if (end - start > 64) target.set(source.subarray(start, end), at)
  else for (let i = start; i < end; i++) target[at + i - start] = source[i]!
}

function install(core: Core, number: CommitNumber, entry: Planned, place: Lsn): void {
  const { collection } = entry
  const { heap } = collection
  const before = entry.slot
  useKey(entry)
  // With older versions it is not known since when the record has had its keys, unless noteBegins has looked.
  const single = before >= 0 && heap.slots.linkOf(before) === 0
  const begin = single ? heap.slots.commitOf(before) : (0 as CommitNumber)
  let slot = before
  if (before >= 0 && heap.isLive(before)) core.liveBytes.drop(heap.slots.placeOf(before))
  if (entry.kindFlags & ENTRY_PUT) {
    slot = heap.put(before, key, place, number)
    core.liveBytes.add(place, entry.size)
  } else heap.remove(before, place, number, key.uuid)
  if (entry.keys !== undefined) {
    for (const [at, change] of entry.keys.entries()) {
      change.index.apply(change, slot, entry.begins?.[at] ?? begin, number)
    }
  }
  if (!collection.system) core.recent.note(number, collection, slot)
}

function keyChanges(
  collection: CollectionState,
  before: StoredRecord | undefined,
  after: StoredRecord | undefined,
): KeyChange[] {
  return collection.indexes.map((index) => index.changes(before, after))
}

function tooManyRecords(collection: CollectionState): BlazeError<'TOO_LARGE'> {
  const actual = collection.heap.slots.highSlot
  return new BlazeError('TOO_LARGE', `${collection.name} is full: nothing was written`, { limit: actual, actual })
}
