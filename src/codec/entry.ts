/**
 * Items and entries: what a frame of the log holds. The log itself cannot read them.
 *
 *   item   := COMMIT size csn time [lastData dataCount] entry*     a whole transaction, or its last part
 *           | DATA   size transaction previousData entry*          void unless a COMMIT names it
 *           | COPY   size entry*                                    by the cleaner: entries carry their commit number
 *   entry  := distance24 kindFlags8 collection u32 recordSize u32 idSize u32 [csn u53] id record pad8
 *
 *   COMMIT head   0 kind u8, flags u8, 0 u16 | 4 size u32 | 8 csn u53 | 16 time f64 | 24 lastData u53, 32 dataCount u32, 0 u32 when HAS_DATA
 *   DATA head     0 kind u8 …                | 4 size u32 | 8 transaction u53 | 16 previousData u53 (0: none)
 *   COPY head     0 kind u8 …                | 4 size u32
 *
 * Little-endian; sizes count bytes and include the head and the padding of an item; items and entries begin at
 * multiples of 8. `distance24` is the distance from the entry back to its frame's start, in units of 8 bytes, so that
 * a reader that knows only an entry's place finds and verifies the whole frame.
 */
import { getF64, getU32, getU53, setF64, setU32, setU53 } from '../base/binary.ts'
import { align8 } from '../base/bytes.ts'
import { BlazeError } from '../base/errors.ts'

export const ITEM_COMMIT = 1
export const ITEM_DATA = 2
export const ITEM_COPY = 3

/** COMMIT flags. */
export const COMMIT_HAS_DATA = 1
export const COMMIT_RELAXED = 2

export const COMMIT_HEAD = 24
export const COMMIT_HEAD_WITH_DATA = 40
export const DATA_HEAD = 24
export const COPY_HEAD = 8
export const ENTRY_HEAD = 16

/** Entry kinds and flags, in the high byte of the first word. */
export const ENTRY_PUT = 1
export const ENTRY_DELETE = 2
const KIND_MASK = 3
export const ENTRY_KEYS_UNCHANGED = 4
export const ENTRY_HAS_COMMIT = 8
const ID_MASK = 48
/** The record bytes are not the record but where its pieces are: object UUID and length. */
export const ENTRY_PIECES = 64

/** Bytes that an entry takes in an item. */
export function entrySize(idSize: number, recordSize: number, withCommit: boolean): number {
  return align8(ENTRY_HEAD + (withCommit ? 8 : 0) + idSize + recordSize)
}

/** Writes an entry's head; returns where the id begins. The id and the record follow without a gap. */
export function writeEntryHead(
  bytes: Uint8Array,
  at: number,
  frameStart: number,
  kindFlags: number,
  collection: number,
  idSize: number,
  recordSize: number,
  commit: number,
): number {
  setU32(bytes, at, (((at - frameStart) >>> 3) | (kindFlags << 24)) >>> 0)
  setU32(bytes, at + 4, collection)
  setU32(bytes, at + 8, recordSize)
  setU32(bytes, at + 12, idSize)
  if ((kindFlags & ENTRY_HAS_COMMIT) === 0) return at + ENTRY_HEAD
  setU53(bytes, at + ENTRY_HEAD, commit)
  return at + ENTRY_HEAD + 8
}

export function writeCommitHead(
  bytes: Uint8Array,
  at: number,
  options: {
    readonly size: number
    readonly commit: number
    readonly time: number
    readonly relaxed: boolean
    readonly lastData: number
    readonly dataCount: number
  },
): number {
  const withData = options.dataCount > 0
  setU32(bytes, at, ITEM_COMMIT | (((withData ? COMMIT_HAS_DATA : 0) | (options.relaxed ? COMMIT_RELAXED : 0)) << 8))
  setU32(bytes, at + 4, options.size)
  setU53(bytes, at + 8, options.commit)
  setF64(bytes, at + 16, options.time)
  if (!withData) return at + COMMIT_HEAD
  setU53(bytes, at + 24, options.lastData)
  setU32(bytes, at + 32, options.dataCount)
  setU32(bytes, at + 36, 0)
  return at + COMMIT_HEAD_WITH_DATA
}

export function writeDataHead(
  bytes: Uint8Array,
  at: number,
  size: number,
  transaction: number,
  previousData: number,
): number {
  setU32(bytes, at, ITEM_DATA)
  setU32(bytes, at + 4, size)
  setU53(bytes, at + 8, transaction)
  setU53(bytes, at + 16, previousData)
  return at + DATA_HEAD
}

export function writeCopyHead(bytes: Uint8Array, at: number, size: number): number {
  setU32(bytes, at, ITEM_COPY)
  setU32(bytes, at + 4, size)
  return at + COPY_HEAD
}

/** An item as read. Positions are offsets in `bytes`. */
export interface Item {
  readonly kind: number
  readonly start: number
  readonly entriesStart: number
  readonly end: number
  /** COMMIT: its commit number. */
  readonly commit: number
  /** COMMIT: milliseconds since the epoch. */
  readonly time: number
  /** COMMIT: LSN of its last DATA item, 0 without one, and how many there are. DATA: LSN of the one before. */
  readonly previousData: number
  readonly dataCount: number
  /** DATA: the transaction. */
  readonly transaction: number
}

/** Reads the item at `at`; the bytes come from a verified frame, so a misfit is a defect of the writer: CODEC. */
export function readItem(bytes: Uint8Array, at: number, end: number): Item {
  if (at + 8 > end) throw misfit(at)
  const word = getU32(bytes, at)
  const kind = word & 255
  const size = getU32(bytes, at + 4)
  if (size < 8 || (size & 7) !== 0 || at + size > end) throw misfit(at)
  const base = { kind, start: at, end: at + size, commit: 0, time: 0, previousData: 0, dataCount: 0, transaction: 0 }
  if (kind === ITEM_COPY) return { ...base, entriesStart: at + COPY_HEAD }
  if (kind === ITEM_DATA && size >= DATA_HEAD)
    return {
      ...base,
      entriesStart: at + DATA_HEAD,
      transaction: getU53(bytes, at + 8),
      previousData: getU53(bytes, at + 16),
    }
  if (kind !== ITEM_COMMIT || size < COMMIT_HEAD) throw misfit(at)
  const withData = ((word >>> 8) & COMMIT_HAS_DATA) !== 0
  if (withData && size < COMMIT_HEAD_WITH_DATA) throw misfit(at)
  return {
    ...base,
    commit: getU53(bytes, at + 8),
    time: getF64(bytes, at + 16),
    entriesStart: at + (withData ? COMMIT_HEAD_WITH_DATA : COMMIT_HEAD),
    previousData: withData ? getU53(bytes, at + 24) : 0,
    dataCount: withData ? getU32(bytes, at + 32) : 0,
  }
}

function misfit(at: number): BlazeError<'CODEC'> {
  return new BlazeError('CODEC', `the log item at byte ${at} does not fit its frame`, { offset: at })
}

/**
 * Where the record of the entry at `at` begins, and `recordSizeAt` how long it is: all that reading one field of a million
 * records needs of an entry's head. An eighth of what filling an EntryView takes.
 */
export function recordStartAt(bytes: Uint8Array, at: number): number {
  const idSize = bytes[at + 12]! | (bytes[at + 13]! << 8)
  return at + ((bytes[at + 3]! & ENTRY_HAS_COMMIT) === 0 ? ENTRY_HEAD : ENTRY_HEAD + 8) + idSize
}

export function recordSizeAt(bytes: Uint8Array, at: number): number {
  return bytes[at + 8]! | (bytes[at + 9]! << 8) | (bytes[at + 10]! << 16)
}

/** True when the entry at `at` holds not a record but where its pieces are. */
export function isInPiecesAt(bytes: Uint8Array, at: number): boolean {
  return (bytes[at + 3]! & ENTRY_PIECES) !== 0
}

/**
 * A reusable view of one entry. `read` fills it; the fields are offsets into the bytes given, valid as long as these.
 */
export class EntryView {
  start = 0
  kindFlags = 0
  collection = 0
  /** 0 when the entry carries none. */
  commit = 0
  idStart = 0
  idSize = 0
  recordStart = 0
  recordEnd = 0
  /** First byte after the entry's padding. */
  end = 0

  read(bytes: Uint8Array, at: number): void {
    const word = getU32(bytes, at)
    const kindFlags = word >>> 24
    this.start = at
    this.kindFlags = kindFlags
    this.collection = getU32(bytes, at + 4)
    const recordSize = getU32(bytes, at + 8)
    const idSize = getU32(bytes, at + 12)
    let idStart = at + ENTRY_HEAD
    if (kindFlags & ENTRY_HAS_COMMIT) {
      this.commit = getU53(bytes, idStart)
      idStart += 8
    } else this.commit = 0
    this.idStart = idStart
    this.idSize = idSize
    this.recordStart = idStart + idSize
    this.recordEnd = idStart + idSize + recordSize
    this.end = at + align8(idStart - at + idSize + recordSize)
    if (this.end > bytes.length) throw misfit(at)
  }

  get kind(): number {
    return this.kindFlags & KIND_MASK
  }

  /** The kind of the id's bytes: ID_UUID, ID_INTEGER or ID_STRING of base/record-key. */
  get idKind(): number {
    return this.kindFlags & ID_MASK
  }
}
