/**
 * A segment: one file of frames, 1 to 16 MB, begun once, never written by a later open.
 *
 *   segment := header(512) frame* zero*
 *   header  := magic 8 | version u32 | kind u32 | fileId 16 | id f64 | epochSalt 32 | prevEnd f64 | prevChain u32 | keyId u32 | zero* | checksum u32
 *   at         0         8             12         16          32       40             72            80              84                  508
 *
 * In an encrypted database 32 bytes at 476 are an HMAC over those before them, and keyId names the data key; the checksum
 * is there in both, so that whether a segment was begun can be told without keys.
 *
 * The header is a device write of its own. `prevEnd` and `prevChain` state where and with which checksum the log ended
 * when this segment was begun: what lies in the older file beyond prevEnd is void for every reader. A checksum mismatch
 * in the newest files means "prepared, never begun".
 *
 * A {@link Segment} is also the memory of its file: one buffer of the file's size, whose pages the operating system
 * commits as they are touched. Bytes below `residentBelow` are there (the segment was written by this open, or read
 * whole); above it a bitmap, one bit for 8 bytes, says which frames were read and verified.
 */
import { equalBytes } from '../base/bytes.ts'
import { crc32 } from '../base/checksum.ts'
import { BlazeError } from '../base/errors.ts'
import type { Lsn } from '../base/ids.ts'
import { lsnOf } from '../base/ids.ts'
import { invariant } from '../base/invariant.ts'
import type { FileHandle, Platform } from '../platform/platform.ts'
import { FileError } from '../platform/platform.ts'
import { type FrameSeal, SEGMENT_HEAD } from './frame.ts'
import { damageOf, KIND_NUMBER, type Seals, type SegmentKind } from './seal.ts'

/** The version of the segment and frame grammar that this code writes. */
export const LOG_FORMAT = 0

const MAGIC = new Uint8Array([0x42, 0x6c, 0x61, 0x7a, 0x65, 0x53, 0x65, 0x67]) // BlazeSeg
const VERSION_AT = 8
const KIND_AT = 12
const FILE_ID_AT = 16
const ID_AT = 32
const SALT_AT = 40
export const PREV_END_AT = 72
export const HEADER_CHAIN_AT = 80
const KEY_ID_AT = 84
const CHECKSUM_AT = SEGMENT_HEAD - 4

export const FILE_ID_SIZE = 16
export const EPOCH_SALT_SIZE = 32

/** A segment's header. */
export interface SegmentHeader {
  readonly kind: SegmentKind
  readonly id: number
  readonly fileId: Uint8Array
  readonly epochSalt: Uint8Array
  readonly prevEnd: Lsn
  readonly prevChain: number
  readonly keyId: number
}

/** The position where a segment's first frame begins. */
export function segmentStart(id: number): Lsn {
  return lsnOf(id, SEGMENT_HEAD)
}

/** The file of segment `id` in `folder`. */
export function segmentPath(folder: string, id: number): string {
  return `${folder}/${id}`
}

/** Names of files that are being prepared; whatever carries one is void at the next open. */
export const TEMPORARY_SUFFIX = '.tmp'

/** The segment ids among the names of a folder, ascending. */
export function segmentIds(names: readonly string[]): number[] {
  return names
    .filter((name) => /^[1-9][0-9]{0,8}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

/** The 512 bytes of a header. */
export function encodeHeader(header: SegmentHeader, seals: Seals): Uint8Array {
  invariant(header.fileId.length === FILE_ID_SIZE, () => `a file id has ${FILE_ID_SIZE} bytes`)
  invariant(header.epochSalt.length === EPOCH_SALT_SIZE, () => `an epoch salt has ${EPOCH_SALT_SIZE} bytes`)
  const bytes = new Uint8Array(SEGMENT_HEAD)
  const view = new DataView(bytes.buffer)
  bytes.set(MAGIC)
  view.setUint32(VERSION_AT, LOG_FORMAT, true)
  view.setUint32(KIND_AT, KIND_NUMBER[header.kind], true)
  bytes.set(header.fileId, FILE_ID_AT)
  view.setFloat64(ID_AT, header.id, true)
  bytes.set(header.epochSalt, SALT_AT)
  view.setFloat64(PREV_END_AT, header.prevEnd, true)
  view.setUint32(HEADER_CHAIN_AT, header.prevChain, true)
  view.setUint32(KEY_ID_AT, header.keyId, true)
  seals.sealHeader(bytes, header.keyId)
  view.setUint32(CHECKSUM_AT, crc32(bytes, 0, CHECKSUM_AT), true)
  return bytes
}

/** True when the checksum of a header holds: the segment was begun. By whom, decodeHeader finds out. */
export function headerSealed(bytes: Uint8Array): boolean {
  if (bytes.length < SEGMENT_HEAD || !equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) return false
  const view = new DataView(bytes.buffer, bytes.byteOffset, SEGMENT_HEAD)
  return view.getUint32(CHECKSUM_AT, true) === crc32(bytes, 0, CHECKSUM_AT)
}

/** What a header whose checksum holds states of its database: what is left of an identity that was lost. */
export function databaseOf(header: Uint8Array): { readonly fileId: Uint8Array; readonly keyId: number } {
  const view = new DataView(header.buffer, header.byteOffset, SEGMENT_HEAD)
  return { fileId: header.slice(FILE_ID_AT, FILE_ID_AT + FILE_ID_SIZE), keyId: view.getUint32(KEY_ID_AT, true) }
}

/** Which header is expected, and by what it is proven. */
export interface ExpectedHeader {
  readonly path: string
  readonly kind: SegmentKind
  readonly id: number
  readonly fileId: Uint8Array
  readonly seals: Seals
}

/** Decodes a header that must be that of segment `id` of this file; CORRUPT, TAMPERED or FORMAT_NEWER otherwise. */
export function decodeHeader(bytes: Uint8Array, expected: ExpectedHeader): SegmentHeader {
  const { path, kind, id, fileId, seals } = expected
  if (!headerSealed(bytes)) throw damageOf(seals, path, 0, 'a segment header', 'other bytes')
  const view = new DataView(bytes.buffer, bytes.byteOffset, SEGMENT_HEAD)
  const version = view.getUint32(VERSION_AT, true)
  if (version > LOG_FORMAT) {
    throw new BlazeError(
      'FORMAT_NEWER',
      `${path} has segment format ${version}; this version reads up to ${LOG_FORMAT}. Nothing was changed; open it with a newer version.`,
      { found: version, supported: LOG_FORMAT },
    )
  }
  const keyId = view.getUint32(KEY_ID_AT, true)
  if (!seals.headerHolds(bytes, keyId)) {
    const wanted = seals.encrypts ? 'a header sealed with the keys of this database' : 'the header of a plain segment'
    throw damageOf(seals, path, KEY_ID_AT, wanted, `another, which names key ${keyId}`)
  }
  if (view.getUint32(KIND_AT, true) !== KIND_NUMBER[kind]) {
    throw damageOf(seals, path, KIND_AT, `kind ${KIND_NUMBER[kind]}`, `${view.getUint32(KIND_AT, true)}`)
  }
  if (!equalBytes(bytes.subarray(FILE_ID_AT, FILE_ID_AT + FILE_ID_SIZE), fileId)) {
    throw damageOf(seals, path, FILE_ID_AT, "this database's file id", 'that of another database')
  }
  const found = view.getFloat64(ID_AT, true)
  if (found !== id) throw damageOf(seals, path, ID_AT, `id ${id}`, `${found}`)
  return {
    kind,
    id,
    fileId,
    epochSalt: bytes.slice(SALT_AT, SALT_AT + EPOCH_SALT_SIZE),
    prevEnd: view.getFloat64(PREV_END_AT, true) as Lsn, // the header's checksum holds: it was written from an Lsn
    prevChain: view.getUint32(HEADER_CHAIN_AT, true),
    keyId,
  }
}

const NO_BYTES = new Uint8Array(0)
const NO_VIEW = new DataView(NO_BYTES.buffer)

/** The memory and the state of one segment. Owned by the wal layer, shared among its parts. */
export class Segment {
  readonly id: number
  readonly path: string
  /** End of the frames built so far (the newest), of the segment (all others): what lies beyond is void. */
  usedBytes: number
  /** True when no more frames are added. */
  closed = false
  /** What seals its frames; undefined until its header was read. */
  seal: FrameSeal | undefined
  /** The buffer, indexed by offset in the segment; empty when nothing is in memory. */
  bytes: Uint8Array<ArrayBuffer> = NO_BYTES
  view: DataView<ArrayBuffer> = NO_VIEW
  /** The sealed frames as they go to the disk, by the same offsets; undefined: as they are in memory. The writer's. */
  sealedBytes: Uint8Array | undefined
  residentBelow = 0
  bitmap: Uint8Array = NO_BYTES
  /** Bytes of frames in memory. */
  loadedBytes = 0
  /** Set by reads, cleared by the clock hand: a second chance. */
  referenced = false
  /** End of the sealed frames and of the written ones; the writer's. */
  sealedTo: number
  writtenTo: number
  begun = false
  durableHandle: FileHandle | undefined
  plainHandle: FileHandle | undefined
  /** Operations handed to the system that have not come back; its descriptors may not be closed before. */
  outstanding = 0
  /** Where the next miss of a sequential reader falls, and how far to read ahead then. */
  missAt = 0
  windowBytes = 0

  constructor(id: number, path: string, usedBytes: number) {
    this.id = id
    this.path = path
    this.usedBytes = usedBytes
    this.sealedTo = usedBytes
    this.writtenTo = usedBytes
  }

  /** Gives the segment its buffer; `whole`: every byte of it counts as resident (it is being written). */
  attach(buffer: Uint8Array<ArrayBuffer>, whole: boolean): void {
    this.bytes = buffer
    this.view = new DataView(buffer.buffer)
    this.residentBelow = whole ? buffer.length : 0
    this.bitmap = whole ? NO_BYTES : new Uint8Array((buffer.length + 63) >>> 6)
    this.loadedBytes = 0
  }

  /** Forgets the buffer; readers that still hold a view keep it alive. */
  drop(): void {
    this.bytes = NO_BYTES
    this.view = NO_VIEW
    this.residentBelow = 0
    this.bitmap = NO_BYTES
    this.loadedBytes = 0
    this.missAt = 0
    this.windowBytes = 0
  }

  /** Bytes of memory that its frames occupy. */
  residentBytes(): number {
    const sealed = this.sealedBytes === undefined ? 0 : this.sealedTo
    return (this.residentBelow > 0 ? this.usedBytes : this.loadedBytes) + sealed
  }
}

/** True when the frame that holds `offset` is in memory, verified. */
export function isResident(segment: Segment, offset: number): boolean {
  if (offset < segment.residentBelow) return true
  const byte = segment.bitmap[offset >>> 6]
  return byte !== undefined && (byte & (1 << ((offset >>> 3) & 7))) !== 0
}

/** Marks [start, end), a verified frame in its place, as resident. */
export function markResident(segment: Segment, start: number, end: number): void {
  const { bitmap } = segment
  for (let at = start; at < end; ) {
    if ((at & 63) === 0 && end - at >= 64) {
      bitmap[at >>> 6] = 255
      at += 64
    } else {
      bitmap[at >>> 6]! |= 1 << ((at >>> 3) & 7)
      at += 8
    }
  }
  segment.loadedBytes += end - start
}

/** The BlazeError of a failed call to the file system that changed nothing. */
export function ioError(cause: unknown, kept: string): BlazeError {
  if (cause instanceof BlazeError) return cause
  if (!(cause instanceof FileError)) throw cause
  return new BlazeError('IO', `${cause.message}. ${kept}`, { operation: cause.operation, file: cause.file }, { cause })
}

/** The file of the segment that an earlier open wrote last is cut to its end; what lies beyond is void anyway. */
export function truncateSegment(platform: Platform, folder: string, id: number, sizeBytes: number): void {
  const handle = platform.files.openSync(segmentPath(folder, id), 'write')
  try {
    if (handle.sizeSync() > sizeBytes) handle.truncateSync(sizeBytes)
  } finally {
    handle.closeSync()
  }
}
