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
import { invariant } from '../base/invariant.ts'
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
import type { Core } from './core.ts'
import { commits } from './diagnostics.ts'
import { KeyChanges } from './key-changes.ts'
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
  readonly kindFlags: number
  /** Slot of the record before; -1 when there is none. */
  readonly slot: number
  /** Bytes that it takes in its item. */
  readonly size: number
  /** Its rows of key changes. */
  readonly keysFrom: number
  readonly keysTo: number
  /** What of the write set it is; undefined for what the engine writes itself. */
  readonly entry: WriteEntry | undefined
  /** The words of a packed UUID, so that its text is parsed once. */
  readonly uuid: boolean
  readonly w0: number
  readonly w1: number
  readonly w2: number
  readonly w3: number
  /** Where the log has it. */
  place: Lsn
}

/** Bytes [start, end) of a source. */
interface Bytes {
  readonly source: Uint8Array
  readonly start: number
  readonly end: number
}

const key = new RecordKey()
/** Of the commit that is being made: nothing comes between its preparation and its install. */
const keys = new KeyChanges()

/** `key` is the id's. */
function plan(
  collection: CollectionState,
  id: RecordId,
  kindFlags: number,
  { source, start, end }: Bytes,
  slot: number,
  keysFrom: number,
  keysTo: number,
  entry: WriteEntry | undefined,
): Planned {
  const size = entrySize(key.idSize, end - start, false)
  const { uuid, words } = key
  return {
    collection,
    id,
    source,
    start,
    end,
    kindFlags,
    slot,
    size,
    keysFrom,
    keysTo,
    entry,
    uuid,
    w0: words[0]! | 0,
    w1: words[1]! | 0,
    w2: words[2]! | 0,
    w3: words[3]! | 0,
    place: 0 as Lsn,
  }
}

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
  core.log.canReserve(sizeOf(items), { useReserve: !planned.some(isPut), largestItem: largestOf(items) })

  const number = (core.installed + 1) as CommitNumber
  core.installed = number
  markDefined(planned)
  writeItems(core, number, items, options.durability)
  installAll(core, number, planned)
  const told = commits.isHeard ? telling(core, number, planned, options.durability, settle) : settle
  core.publisher.push({ commit: number, end: core.log.end, durability: options.durability, settle: told })
  core.log.submit(options.durability)
}

/** `settle`, which tells the listeners of commits before it. */
function telling(
  core: Core,
  commitNumber: CommitNumber,
  planned: readonly Planned[],
  durability: Durability,
  settle: Settle,
): Settle {
  const { path, platform } = core
  const startedMs = platform.clock.monotonic()
  let records = 0
  for (const { collection } of planned) if (!collection.system) records++
  return (error) => {
    const durationMs = platform.clock.monotonic() - startedMs
    if (error === undefined) commits.tell({ path, commitNumber, durability, records, durationMs })
    settle(error)
  }
}

function isPut({ kindFlags }: Planned): boolean {
  return (kindFlags & ENTRY_PUT) !== 0
}

/** Step 1 and 2: what each entry means against the newest installed state. */
function prepare(core: Core, writes: WriteSet, snapshot: CommitNumber | undefined): Planned[] {
  const planned: Planned[] = []
  const entries = writes.entries()
  const unique: UniqueKeys | undefined = entries.length > 1 ? { released: new Set(), taken: new Map() } : undefined
  keys.begin()
  for (const entry of entries) {
    const { collection } = entry
    const { heap, indexes } = collection
    invariant(!collection.dropped, () => `${collection.name} was dropped, which validation refuses`)
    for (const index of indexes) index.assertCheckable()
    key.set(entry.id)
    const found = heap.find(key)
    const live = found >= 0 && heap.isLive(found)
    if (!entry.isPut && !live) continue
    if (found < 0 && !heap.hasRoom(entries.length)) throw tooManyRecords(collection)
    const from = keys.count
    const keysChange = indexes.length > 0 && noteKeys(core, entry, found, live)
    const to = keys.count
    if (unique !== undefined && keys.concernsUnique) noteUnique(unique, keys, { from, to }, entry)
    planEntry(core, entry, writes.arena, found, live && !keysChange ? ENTRY_KEYS_UNCHANGED : 0, from, to, planned)
  }
  if (keys.concernsUnique) for (const each of planned) checkUnique(each, keys, unique, snapshot)
  return planned
}

/** Notes what an entry does to index keys; false when it changes none. */
function noteKeys(core: Core, entry: WriteEntry, slot: number, live: boolean): boolean {
  const { collection } = entry
  const from = keys.count
  const before = live ? collection.readNewest(slot, entry.id) : undefined
  const { after } = entry
  let changes = false
  for (const index of collection.indexes) if (keys.note(index, before, after)) changes = true
  if (live && core.snapshots.count > 0) noteBegins(collection, slot, from)
  return changes
}

/**
 * With older versions, held for a snapshot, it takes a look at the newest of them to know since when the record has had a
 * key that it now gives up: since its last version, if the one before lacked it. Else that stays open (0), and what the
 * index keeps of it lives as long as any older snapshot: a long reader would cost an entry for each update.
 */
function noteBegins(collection: CollectionState, slot: number, from: number): void {
  const to = keys.count
  const older = collection.heap.newestSuperseded(slot)
  if (older === undefined || !keys.drops(from, to)) return
  let record: StoredRecord
  try {
    record = collection.readPlace(older.place, older.snapshot)
  } catch (error) {
    // An old version that cannot be read keeps nobody from writing a new one.
    if (!isBlazeError(error)) throw error
    return
  }
  keys.noteBegins(from, to, record, collection.heap.slots.commitOf(slot))
}

/**
 * Plans an entry. A large record's pieces come before it, and those of the one it replaces go after it: a replay, entry
 * by entry, can then read the record before and the record after.
 */
function planEntry(
  core: Core,
  entry: WriteEntry,
  arena: Uint8Array,
  slot: number,
  flags: number,
  keysFrom: number,
  keysTo: number,
  planned: Planned[],
): void {
  const { collection, id, start, end } = entry
  const { heap } = collection
  const old = slot >= 0 && heap.isLive(slot) ? collection.piecesAt(heap.slots.placeOf(slot)) : undefined
  const kind = flags | (entry.isPut ? ENTRY_PUT : ENTRY_DELETE)
  if (end - start <= PIECES_FROM) {
    planned.push(plan(collection, id, kind, { source: arena, start, end }, slot, keysFrom, keysTo, entry))
  } else {
    const pointer = planNewPieces(core, entry, arena, planned)
    key.set(id)
    planned.push(plan(collection, id, kind | ENTRY_PIECES, pointer, slot, keysFrom, keysTo, entry))
  }
  for (let piece = 0; old !== undefined && piece * PIECE_BYTES < old.size; piece++) {
    const gone = planOwn(core.system.pieces, `${old.object}:${piece}`, ENTRY_DELETE, NO_BYTES)
    // A piece that damage has taken cannot be deleted; the record goes all the same.
    if (gone.slot >= 0) planned.push(gone)
  }
}

const NO_BYTES: Bytes = { source: new Uint8Array(0), start: 0, end: 0 }

/** Plans the pieces of a large record; gives what its entry holds instead of it. */
function planNewPieces(core: Core, entry: WriteEntry, arena: Uint8Array, planned: Planned[]): Bytes {
  const object = core.newId()
  for (let start = entry.start, piece = 0; start < entry.end; start += PIECE_BYTES, piece++) {
    const end = Math.min(entry.end, start + PIECE_BYTES)
    planned.push(planOwn(core.system.pieces, `${object}:${piece}`, ENTRY_PUT, { source: arena, start, end }))
  }
  const pointer = new Uint8Array(PIECES_SIZE)
  parseUuid(object, pointer, 0)
  setU53(pointer, 16, entry.end - entry.start)
  return whole(pointer)
}

function whole(source: Uint8Array): Bytes {
  return { source, start: 0, end: source.length }
}

/** Plans a record of a system collection. */
function planOwn(collection: CollectionState, id: RecordId, kindFlags: number, bytes: Bytes): Planned {
  key.set(id)
  return plan(collection, id, kindFlags, bytes, collection.heap.find(key), 0, 0, undefined)
}

/** Catalogue records and definitions that the entries need and the log does not hold yet go first. */
function planDefinitions(core: Core, planned: Planned[]): void {
  const needed: Planned[] = []
  const seen = new Set<CollectionState>()
  for (const { collection } of planned) {
    if (isDefined(collection) || seen.has(collection)) continue
    seen.add(collection)
    if (!collection.logged) {
      const bytes = whole(core.catalogueRecord(collection))
      needed.push(planOwn(core.system.catalogue, collection.id, ENTRY_PUT, bytes))
    }
    for (let n = collection.loggedDefinitions; n < collection.codec.definitionCount; n++) {
      const bytes = whole(collection.codec.definition(n))
      needed.push(planOwn(core.system.shapes, core.shapeId(collection, n), ENTRY_PUT, bytes))
    }
  }
  if (needed.length > 0) planned.unshift(...needed)
}

/** Does the log hold all that is needed to read the collection's records? */
function isDefined(collection: CollectionState): boolean {
  return collection.system || (collection.logged && collection.loggedDefinitions === collection.codec.definitionCount)
}

/** From here the log holds what planDefinitions added. */
function markDefined(planned: readonly Planned[]): void {
  for (const { collection } of planned) {
    if (isDefined(collection)) continue
    collection.logged = true
    collection.loggedDefinitions = collection.codec.definitionCount
  }
}

/** A run of entries that goes into one item. */
interface PlannedItem {
  readonly entries: readonly Planned[]
  readonly size: number
}

/** Parts the entries into items that fit a frame; the last becomes the COMMIT. A piece stands alone. */
function packItems(planned: readonly Planned[]): PlannedItem[] {
  const runs: Planned[][] = []
  const sizes: number[] = []
  let from = 0
  let size = 0
  const cut = (to: number): void => {
    runs.push(planned.slice(from, to))
    sizes.push(size)
    from = to
    size = 0
  }
  for (let at = 0; at < planned.length; at++) {
    const each = planned[at]!.size
    if (at > from && COMMIT_HEAD_WITH_DATA + size + each > MAX_ITEM) cut(at)
    size += each
  }
  if (runs.length === 0 && COMMIT_HEAD_WITH_DATA + size <= MAX_ITEM) {
    return [{ entries: planned, size: COMMIT_HEAD + size }]
  }
  const alone = COMMIT_HEAD_WITH_DATA + size > MAX_ITEM
  cut(planned.length)
  // A COMMIT must fit an ordinary frame: when the last item is a piece, the COMMIT follows it empty.
  if (alone) cut(planned.length)
  return runs.map((entries, at) => ({
    entries,
    size: sizes[at]! + (at === runs.length - 1 ? COMMIT_HEAD_WITH_DATA : DATA_HEAD),
  }))
}

function sizeOf(items: readonly PlannedItem[]): number {
  let size = 0
  for (const item of items) size += item.size
  return size
}

function largestOf(items: readonly PlannedItem[]): number {
  let size = 0
  for (const item of items) if (item.size > size) size = item.size
  return size
}

/** Makes `key` the entry's. */
function useKey(entry: Planned): void {
  if (entry.uuid) key.setUuidWords(entry.w0, entry.w1, entry.w2, entry.w3)
  else key.set(entry.id)
}

/** Step 3: fills the reserved items, and tells each entry its place. Nothing in here may fail. */
function writeItems(core: Core, number: CommitNumber, items: readonly PlannedItem[], durability: Durability): void {
  const { log } = core
  let lastData: Lsn = 0 as Lsn
  const dataCount = items.length - 1
  const dataSegments: number[] = []
  for (let at = 0; at <= dataCount; at++) {
    const { entries, size } = items[at]!
    log.reserve(size)
    const bytes = log.itemBytes
    const start = log.itemOffset
    let next: number
    if (at === dataCount) {
      const time = core.platform.clock.now()
      const relaxed = durability !== 'full'
      next = writeCommitHead(bytes, start, { size, commit: number, time, relaxed, lastData, dataCount })
      noteDataSegments(core, dataSegments, log.itemSegment, number)
    } else {
      next = writeDataHead(bytes, start, size, number, lastData)
      lastData = lsnOf(log.itemSegment, start)
      dataSegments.push(log.itemSegment)
    }
    for (const entry of entries) {
      useKey(entry)
      entry.place = lsnOf(log.itemSegment, next)
      writeEntry(bytes, next, log.frameOffset, entry)
      next += entry.size
    }
  }
}

/**
 * Step 4. The log holds the commit; only damage on disk, found as a cold page is loaded, can stop it here. An index that
 * is damaged is made again; damage of the record table ends the use of this open, and the next one rebuilds.
 */
function installAll(core: Core, number: CommitNumber, planned: readonly Planned[]): void {
  try {
    for (const entry of planned) install(core, number, entry)
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

function install(core: Core, number: CommitNumber, entry: Planned): void {
  const { collection, place, keysFrom, keysTo } = entry
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
  if (keysTo > keysFrom) keys.apply(keysFrom, keysTo, slot, begin, number)
  if (!collection.system) core.recent.note(number, collection, slot)
}

function tooManyRecords(collection: CollectionState): BlazeError<'TOO_LARGE'> {
  const actual = collection.heap.slots.highSlot
  return new BlazeError('TOO_LARGE', `${collection.name} is full: nothing was written`, { limit: actual, actual })
}
