/**
 * The directory's content: where everything of one checkpoint image lies. Packed as one run of bytes, cut into the values
 * of the directory store; it is small (16 B a map page, about 40 B a structure) and read whole at open.
 *
 *   image     := version u32 | hashSeed u32 | nextCollectionId u53 | commit u53
 *                count u32, structure*   count u32, segment*   count u32, dataCommit*   count u32, pageSegment*
 *   structure := id u53 | slots u32 | pageCount u53 | freeHead u53 | count u32, number f64* | count u32, mapPage*
 *   mapPage   := segment u32 | offset u32 | checksum u32                (segment 0: no page of this map page is on disk)
 *   segment   := id u53 | sizeBytes u53 | liveBytes u53                 log segments
 *   dataCommit:= segment u53 | transaction u53 | commit u53
 *   pageSegment := id u53 | sizeBytes u53 | livePages u32
 *
 * Little-endian. The bytes are proven by size and SHA-256 in root before they come here; what does not parse all the same
 * is reported as damage.
 */
import { getF64, getU32, getU53, setF64, setU32, setU53 } from '../base/binary.ts'
import { corrupt } from '../base/errors.ts'
import type { CommitNumber, StructureId } from '../base/ids.ts'
import type { SpaceMeta } from '../pages/page-table.ts'
import type { PageLocation } from '../wal/page-file.ts'

/** One paged structure as it was at C. */
export interface StructureImage {
  readonly structure: StructureId
  /** True for slot tables: their pages have volatile words, cleared in images. */
  readonly slots: boolean
  readonly meta: SpaceMeta
  /** What the structure needs beside its pages; its owner knows the order. */
  readonly numbers: readonly number[]
}

/** A structure with where its map pages lie. */
export interface MappedStructure extends StructureImage {
  readonly mapPages: readonly (PageLocation | undefined)[]
}

/** One log segment. `sizeBytes` is its end, 0 while it is not closed. */
export interface SegmentImage {
  readonly id: number
  readonly sizeBytes: number
  readonly liveBytes: number
}

/** The commit number of a transaction whose DATA in `segment` is named by a COMMIT in a later segment. */
export interface DataCommit {
  readonly segment: number
  readonly transaction: number
  readonly commit: CommitNumber
}

/** One page segment: how much of it is current. */
export interface PageSegmentImage {
  readonly id: number
  readonly sizeBytes: number
  readonly livePages: number
}

/** What the engine says of itself at C. */
export interface EngineImage {
  readonly commit: CommitNumber
  readonly hashSeed: number
  readonly nextCollectionId: number
  readonly structures: readonly StructureImage[]
  readonly segments: readonly SegmentImage[]
  readonly dataCommits: readonly DataCommit[]
}

/** All of the directory. */
export interface DirectoryImage extends EngineImage {
  readonly structures: readonly MappedStructure[]
  readonly pageSegments: readonly PageSegmentImage[]
}

const VERSION = 0
/** Below the 64 KB that the directory store takes. */
const VALUE_BYTES = 61440

/** The entries of the directory store. */
export function encodeDirectory(image: DirectoryImage): (readonly [key: number, value: Uint8Array])[] {
  const out = new ByteWriter()
  out.u32(VERSION)
  out.u32(image.hashSeed)
  out.u53(image.nextCollectionId)
  out.u53(image.commit)
  out.u32(image.structures.length)
  for (const structure of image.structures) writeStructure(out, structure)
  out.u32(image.segments.length)
  for (const { id, sizeBytes, liveBytes } of image.segments) {
    out.u53(id)
    out.u53(sizeBytes)
    out.u53(liveBytes)
  }
  out.u32(image.dataCommits.length)
  for (const { segment, transaction, commit } of image.dataCommits) {
    out.u53(segment)
    out.u53(transaction)
    out.u53(commit)
  }
  out.u32(image.pageSegments.length)
  for (const { id, sizeBytes, livePages } of image.pageSegments) {
    out.u53(id)
    out.u53(sizeBytes)
    out.u32(livePages)
  }
  const bytes = out.bytes()
  const entries: (readonly [number, Uint8Array])[] = []
  for (let at = 0; at < bytes.length; at += VALUE_BYTES) {
    entries.push([entries.length, bytes.slice(at, at + VALUE_BYTES)])
  }
  return entries
}

/** The image that entries hold; `file` names them in the CORRUPT of what is none. */
export function decodeDirectory(
  file: string,
  entries: readonly (readonly [key: number, value: Uint8Array])[],
): DirectoryImage {
  const bytes = joined(file, entries)
  const input = new ByteReader(file, bytes)
  const version = input.u32()
  if (version !== VERSION) throw corrupt(file, 0, `directory version ${VERSION}`, `${version}`)
  const hashSeed = input.u32()
  const nextCollectionId = input.u53()
  const commit = input.u53() as CommitNumber
  const structures = input.list(() => readStructure(input))
  const segments = input.list(() => ({ id: input.u53(), sizeBytes: input.u53(), liveBytes: input.u53() }))
  const dataCommits = input.list(() => ({
    segment: input.u53(),
    transaction: input.u53(),
    commit: input.u53() as CommitNumber,
  }))
  const pageSegments = input.list(() => ({ id: input.u53(), sizeBytes: input.u53(), livePages: input.u32() }))
  if (input.at !== bytes.length) throw corrupt(file, input.at, `the end of the directory`, `${bytes.length} bytes`)
  return { commit, hashSeed, nextCollectionId, structures, segments, dataCommits, pageSegments }
}

function writeStructure(out: ByteWriter, { structure, slots, meta, numbers, mapPages }: MappedStructure): void {
  out.u53(structure)
  out.u32(slots ? 1 : 0)
  out.u53(meta.pageCount)
  out.u53(meta.freeHead)
  out.u32(numbers.length)
  for (const number of numbers) out.f64(number)
  out.u32(mapPages.length)
  for (const place of mapPages) {
    out.u32(place?.segment ?? 0)
    out.u32(place?.offset ?? 0)
    out.u32(place?.checksum ?? 0)
  }
}

function readStructure(input: ByteReader): MappedStructure {
  const structure = input.u53() as StructureId
  const slots = input.u32() === 1
  const meta = { pageCount: input.u53(), freeHead: input.u53() }
  const numbers = input.list(() => input.f64())
  const mapPages = input.list(() => {
    const place = { segment: input.u32(), offset: input.u32(), checksum: input.u32() }
    return place.segment === 0 ? undefined : place
  })
  return { structure, slots, meta, numbers, mapPages }
}

function joined(file: string, entries: readonly (readonly [key: number, value: Uint8Array])[]): Uint8Array {
  let size = 0
  entries.forEach(([key, value], index) => {
    if (key !== index) throw corrupt(file, 0, `directory entry ${index}`, `entry ${key}`)
    size += value.length
  })
  const bytes = new Uint8Array(size)
  let at = 0
  for (const [, value] of entries) {
    bytes.set(value, at)
    at += value.length
  }
  return bytes
}

class ByteWriter {
  #bytes = new Uint8Array(4096)
  #size = 0

  u32(value: number): void {
    const at = this.#room(4)
    setU32(this.#bytes, at, value)
  }

  u53(value: number): void {
    const at = this.#room(8)
    setU53(this.#bytes, at, value)
  }

  f64(value: number): void {
    const at = this.#room(8)
    setF64(this.#bytes, at, value)
  }

  /** A view of what was written. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#size)
  }

  #room(size: number): number {
    const at = this.#size
    this.#size += size
    if (this.#size > this.#bytes.length) {
      const bytes = new Uint8Array(this.#bytes.length * 2)
      bytes.set(this.#bytes)
      this.#bytes = bytes
    }
    return at
  }
}

class ByteReader {
  readonly #file: string
  readonly #bytes: Uint8Array
  at = 0

  constructor(file: string, bytes: Uint8Array) {
    this.#file = file
    this.#bytes = bytes
  }

  u32(): number {
    return getU32(this.#bytes, this.#take(4))
  }

  u53(): number {
    return getU53(this.#bytes, this.#take(8))
  }

  f64(): number {
    return getF64(this.#bytes, this.#take(8))
  }

  /** A count and as many elements; a count that cannot be true fails as the bytes run out. */
  list<T>(element: () => T): T[] {
    const list: T[] = []
    for (let left = this.u32(); left > 0; left--) list.push(element())
    return list
  }

  #take(size: number): number {
    const at = this.at
    if (at + size > this.#bytes.length) throw corrupt(this.#file, at, `${size} more bytes`, 'the end')
    this.at += size
    return at
  }
}
