/**
 * One collection as the engine knows it: its record table, its codec, its indexes, and how to read a record from a place
 * in the log. Handles given to users (collection.ts) and transactions hold one of these; it holds no snapshot.
 */

import { getU53 } from '../base/binary.ts'
import { BlazeError } from '../base/errors.ts'
import type { CollectionId, CommitNumber, Lsn, RecordId } from '../base/ids.ts'
import { SEGMENT_SPAN } from '../base/ids.ts'
import { type RecordKey, readStoredId } from '../base/record-key.ts'
import { formatUuid } from '../base/uuid.ts'
import type { Path, StoredRecord, Value } from '../base/values.ts'
import { ENTRY_PIECES, EntryView, isInPiecesAt, recordSizeAt, recordStartAt } from '../codec/entry.ts'
import { compareValues } from '../codec/order.ts'
import type { VersionHeap } from '../mvcc/version-heap.ts'
import { NO_PLACE } from '../mvcc/version-heap.ts'
import type { TextSpec } from '../text/text-fields.ts'
import type { IndexState } from './index-state.ts'
import type { SchemaRules } from './schema.ts'

/** How the bytes of a collection's records are made and read. `encode` returns a view valid until the next call. */
export interface BodyCodec {
  encode(record: StoredRecord, path: string): Uint8Array
  decode(bytes: Uint8Array, start: number, end: number, id: RecordId): StoredRecord
  field(bytes: Uint8Array, start: number, end: number, path: Path, id: RecordId): Value | undefined
  /** Reads the values at paths for many records, as fast as a call can be. It knows no id. */
  getters(paths: readonly Path[]): FieldGetters
  /** Reads records with these fields of the top level only, at least. */
  project(wanted: ReadonlySet<string>): FieldsReader
  /** Definitions that bytes depend on (shapes); a commit must hold those not yet logged. */
  readonly definitionCount: number
  definition(number: number): Uint8Array
  define(number: number, bytes: Uint8Array): void
}

/** Reads fields of the record in bytes[start, end) into `values`. */
export type FieldGetters = (bytes: Uint8Array, start: number, end: number, values: (Value | undefined)[]) => void

/** Reads some fields of a record. */
export type FieldsReader = (bytes: Uint8Array, start: number, end: number, id: RecordId) => StoredRecord

/** Where record bytes are read from. */
export interface PlaceReader {
  /** The segment's bytes with the frame around `offset` resident and verified. */
  bytesOf(segment: number, offset: number): Uint8Array
  /** The same for who reads most of a collection once, in the order of its places. */
  stream(): PlaceStream
}

export interface PlaceStream {
  /** What the entry that was found last lies in, verified, until the next safe point. */
  readonly bytes: Uint8Array
  /** Where in `bytes` the entry at an offset of a segment lies. */
  find(segment: number, offset: number): number
}

/** Where spilled versions are read from; their places are negative. */
export interface SpillReader {
  read(place: Lsn): Uint8Array
}

/** Reads the pieces of a record too large for one entry. */
export type PieceReader = (object: string, size: number, snapshot: number) => Uint8Array

/** What the catalogue stores of a collection. */
export interface CollectionDescription {
  readonly name: string
  readonly schemaVersion: number
  /** True once code with a schema has opened it: it then takes writes only from such code. */
  readonly hasSchema: boolean
  /** What its text search is declared as; undefined: it has none. */
  readonly text?: TextSpec | undefined
}

/** The encoded record in bytes[start, end): filled again and again. */
export interface RecordBytes {
  bytes: Uint8Array
  start: number
  end: number
}

const view = new EntryView()

/** Instead of a field: the record lies in pieces. */
export const IN_PIECES: unique symbol = Symbol('in pieces')

/** Readers of some fields that are kept; beyond, all are forgotten: each holds code of its own. */
const MAX_READERS = 64

/** For reading a field that is not the id. */
const NO_ID = 0

export class CollectionState {
  readonly id: CollectionId
  readonly heap: VersionHeap
  readonly codec: BodyCodec
  /** System collections hold what the engine itself must keep; users never see them. */
  readonly system: boolean
  description: CollectionDescription
  indexes: readonly IndexState[] = []
  /** The rules of the schema that this process declared. */
  rules: SchemaRules | undefined
  /** Declared without a schema being needed for writes (tools). */
  unchecked = false
  /** Set when the stored version is newer than the declared one. */
  readOnly = false
  /** False until the catalogue holds it. */
  logged = false
  dropped = false
  /** Definitions of the codec that the log holds. */
  loggedDefinitions = 0
  readonly #readers = new Map<string, FieldsReader>()
  readonly #log: PlaceReader
  readonly #spill: SpillReader
  readonly #pieces: PieceReader

  constructor(options: {
    readonly id: CollectionId
    readonly description: CollectionDescription
    readonly heap: VersionHeap
    readonly codec: BodyCodec
    readonly system: boolean
    readonly log: PlaceReader
    readonly spill: SpillReader
    readonly pieces: PieceReader
  }) {
    this.id = options.id
    this.description = options.description
    this.heap = options.heap
    this.codec = options.codec
    this.system = options.system
    this.#log = options.log
    this.#spill = options.spill
    this.#pieces = options.pieces
  }

  get name(): string {
    return this.description.name
  }

  /** The record that a reader at `snapshot` sees in a slot: a fresh object; undefined when there is none. */
  readSlot(slot: number, snapshot: number, id?: RecordId): StoredRecord | undefined {
    const place = this.heap.placeAt(slot, snapshot)
    return place === NO_PLACE ? undefined : this.readPlace(place, snapshot, id)
  }

  /** The record of an id that a reader at `snapshot` sees. */
  get(key: RecordKey, snapshot: number, id: RecordId): StoredRecord | undefined {
    const slot = this.heap.find(key)
    return slot < 0 ? undefined : this.readSlot(slot, snapshot, id)
  }

  /** True when a reader at `snapshot` sees a record of that id; the record itself is not read. */
  has(key: RecordKey, snapshot: number): boolean {
    const slot = this.heap.find(key)
    return slot >= 0 && this.heap.placeAt(slot, snapshot) !== NO_PLACE
  }

  /** Decodes the record at a place. `snapshot` finds the pieces of a large one. */
  readPlace(place: Lsn, snapshot: number, id?: RecordId): StoredRecord {
    const bytes = this.#entryAt(place)
    const recordId = id ?? readStoredId(bytes, view.idKind, view.idStart, view.idSize)
    const start = view.recordStart
    const end = view.recordEnd
    try {
      if ((view.kindFlags & ENTRY_PIECES) === 0) return this.codec.decode(bytes, start, end, recordId)
      const whole = this.#pieces(formatUuid(bytes, start), getU53(bytes, start + 16), snapshot)
      return this.codec.decode(whole, 0, whole.length, recordId)
    } catch (error) {
      throw undecodable(error, this.name, recordId)
    }
  }

  /**
   * What the record at a place has at `path`, which is not its id, without decoding the rest; IN_PIECES for a record
   * in pieces, which has to be put together first.
   */
  fieldAt(place: Lsn, path: Path): Value | typeof IN_PIECES | undefined {
    const bytes = this.#entryAt(place)
    if ((view.kindFlags & ENTRY_PIECES) !== 0) return IN_PIECES
    try {
      return this.codec.field(bytes, view.recordStart, view.recordEnd, path, NO_ID)
    } catch (error) {
      throw this.undecodable(error, place)
    }
  }

  /** What is thrown when the record at a place cannot be decoded. */
  undecodable(error: unknown, place: Lsn): unknown {
    return undecodable(error, this.name, this.idAt(place))
  }

  /**
   * Says where the record at a place of the log (none that is spilled) has its bytes, valid until the next safe point;
   * false for one in pieces, which has to be put together.
   */
  locate(stream: PlaceStream, segment: number, offset: number, found: RecordBytes): boolean {
    const at = stream.find(segment, offset)
    const { bytes } = stream
    if (isInPiecesAt(bytes, at)) return false
    const start = recordStartAt(bytes, at)
    found.bytes = bytes
    found.start = start
    found.end = start + recordSizeAt(bytes, at)
    return true
  }

  /** What `locate` reads by, for one pass over the records. */
  stream(): PlaceStream {
    return this.#log.stream()
  }

  /** A reader of these fields at the top of records, kept for the next query that asks for the same ones. */
  readerOf(fields: ReadonlySet<string>): FieldsReader {
    const names = JSON.stringify([...fields].sort())
    const known = this.#readers.get(names)
    if (known !== undefined) return known
    if (this.#readers.size === MAX_READERS) this.#readers.clear()
    const reader = this.codec.project(fields)
    this.#readers.set(names, reader)
    return reader
  }

  /** As `readPlace`, by a reader of some fields, for many records: `id` says whether that is one of them. */
  readFields(place: Lsn, snapshot: number, read: FieldsReader, id: boolean): StoredRecord {
    const bytes = this.#entryAt(place)
    if ((view.kindFlags & ENTRY_PIECES) !== 0) return this.readPlace(place, snapshot)
    const { idKind, idStart, idSize, recordStart, recordEnd } = view
    try {
      return read(bytes, recordStart, recordEnd, id ? readStoredId(bytes, idKind, idStart, idSize) : '')
    } catch (error) {
      throw undecodable(error, this.name, readStoredId(bytes, idKind, idStart, idSize))
    }
  }

  /** The encoded record at a place: a view of the log, or the assembled pieces. To be used at once. */
  bytesAt(place: Lsn, snapshot: number): Uint8Array {
    const bytes = this.#entryAt(place)
    if ((view.kindFlags & ENTRY_PIECES) === 0) return bytes.subarray(view.recordStart, view.recordEnd)
    return this.#pieces(formatUuid(bytes, view.recordStart), getU53(bytes, view.recordStart + 16), snapshot)
  }

  /** The id of the record at a place. */
  idAt(place: Lsn): RecordId {
    const bytes = this.#entryAt(place)
    return readStoredId(bytes, view.idKind, view.idStart, view.idSize)
  }

  /**
   * The order of the ids of two slots that hold a record, now or for a snapshot: integers, then strings by code point.
   * Without a look at the log but for ids of more than 15 bytes that are no UUIDs.
   */
  compareSlots(a: number, b: number): number {
    const order = this.heap.slots.compareKeys(a, b)
    return Number.isNaN(order) ? compareValues(this.idIn(a), this.idIn(b)) : order
  }

  /** The id of such a slot: the log may have lost a tombstone, but not what a snapshot still sees. */
  idIn(slot: number): RecordId {
    const older = this.heap.isLive(slot) ? undefined : this.heap.newestSuperseded(slot)
    return this.idAt(older?.place ?? this.heap.slots.placeOf(slot))
  }

  /** Is the record at a place the one that `key` names? */
  hasId(place: Lsn, key: RecordKey): boolean {
    const bytes = this.#entryAt(place)
    return view.idKind === key.idKind && key.sameStored(bytes, view.idStart, view.idSize)
  }

  /** The object UUID when the record at a place is kept in pieces. */
  piecesAt(place: Lsn): { readonly object: string; readonly size: number } | undefined {
    const bytes = this.#entryAt(place)
    if ((view.kindFlags & ENTRY_PIECES) === 0) return undefined
    return { object: formatUuid(bytes, view.recordStart), size: getU53(bytes, view.recordStart + 16) }
  }

  /** Reads the entry at a place into `view`; its bytes are valid until the next safe point. */
  #entryAt(place: Lsn): Uint8Array {
    if (place < 0) {
      const spilled = this.#spill.read(place)
      view.read(spilled, 0)
      return spilled
    }
    const offset = place % SEGMENT_SPAN
    const bytes = this.#log.bytesOf(Math.floor(place / SEGMENT_SPAN), offset)
    view.read(bytes, offset)
    return bytes
  }

  /** The newest installed record of a slot, for the commit path. */
  readNewest(slot: number, id?: RecordId): StoredRecord {
    return this.readPlace(this.heap.slots.placeOf(slot), this.heap.slots.commitOf(slot) as CommitNumber, id)
  }
}

function undecodable(error: unknown, collection: string, id: RecordId): unknown {
  if (!(error instanceof BlazeError) || error.code !== 'CODEC') return error
  return new BlazeError(
    'CODEC',
    `record ${JSON.stringify(id)} of ${collection} cannot be decoded although its frame is sound; other records are not concerned, and a backup may have this one. ${error.message}`,
    error.details as { readonly offset: number },
    { cause: error },
  )
}
