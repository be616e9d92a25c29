/**
 * The collections that hold what the engine itself must keep. They are records of the same log, in the same commits, so
 * they are recovered, copied by the cleaner and rebuilt like any data.
 *
 *   1 catalogue   id = collection number → {name, schemaVersion, hasSchema, indexes}
 *   2 shapes      id = collection number × 8192 + shape number → the shape's definition, raw
 *   3 pieces      id = `${object}:${k}` → bytes of a record too large for one entry, raw
 */
import { BlazeError } from '../base/errors.ts'
import type { CollectionId, RecordId } from '../base/ids.ts'
import { RecordKey } from '../base/record-key.ts'
import type { StoredRecord } from '../base/values.ts'
import { Projection } from '../codec/projection.ts'
import { RecordCodec } from '../codec/record-codec.ts'
import { decode as decodeStandalone } from '../codec/standalone.ts'
import { type HeapMeta, NO_PLACE, VersionHeap } from '../mvcc/version-heap.ts'
import { type BodyCodec, type CollectionDescription, CollectionState } from './collection-state.ts'
import type { Core } from './core.ts'
import { BUCKETS_STRUCTURE, SLOTS_STRUCTURE, structureOf } from './structures.ts'

export const CATALOGUE_ID = 1 as CollectionId
export const SHAPES_ID = 2 as CollectionId
export const PIECES_ID = 3 as CollectionId

/** Is it one of the engine's own? */
export function isSystem(id: CollectionId): boolean {
  return id === CATALOGUE_ID || id === SHAPES_ID || id === PIECES_ID
}

/** Bytes as they are: what the engine writes, it has encoded itself. */
const rawCodec: BodyCodec = {
  encode: () => {
    throw new BlazeError('UNSUPPORTED', 'system records are written as bytes', undefined)
  },
  decode: (bytes, start, end, id) => ({ id, bytes: bytes.slice(start, end) }),
  field: () => undefined,
  getters: (paths) => (_bytes, _start, _end, values) => {
    for (let i = 0; i < paths.length; i++) values[i] = undefined
  },
  project: () => (bytes, start, end, id) => rawCodec.decode(bytes, start, end, id),
  definitionCount: 0,
  definition: () => new Uint8Array(0),
  define: () => undefined,
}

const catalogueCodec: BodyCodec = {
  ...rawCodec,
  decode: (bytes, start, end) => decodeStandalone(bytes.subarray(start, end)) as StoredRecord,
}

/** The codec of a user's collection: keyed by id, with shapes that the log holds. */
function userCodec(codeGeneration: boolean): BodyCodec {
  const codec = new RecordCodec({ keyed: true, codeGeneration })
  const { shapes } = codec
  return {
    encode: (record, path) => codec.encode(record, path),
    decode: (bytes, start, end, id) => codec.decode(bytes, start, end, id) as StoredRecord,
    field: (bytes, start, end, path, id) =>
      path.length === 1 && path[0] !== 'id'
        ? codec.readerOf(path[0]!)(bytes, start, end)
        : codec.field(bytes, start, end, path, id),
    getters: (paths) => codec.fieldsReader(paths),
    project(wanted) {
      const projection = new Projection(shapes, wanted, { keyed: true, codeGeneration })
      // Whoever asked for some fields looks at no others, the id included.
      return (bytes, start, end, id) => projection.read(bytes, start, end, id) as StoredRecord
    },
    get definitionCount() {
      return shapes.count
    },
    definition: (number) => shapes.definition(number),
    define: (number, bytes) => shapes.define(number, bytes),
  }
}

/** Makes a collection's state; `meta` when its tables are in the checkpoint's image. */
export function makeCollection(
  core: Core,
  id: CollectionId,
  description: CollectionDescription,
  meta: HeapMeta | undefined,
): CollectionState {
  const system = isSystem(id)
  let state: CollectionState | undefined
  const heap = new VersionHeap({
    store: core.pages,
    history: core.history,
    slotsStructure: structureOf(id, SLOTS_STRUCTURE),
    bucketsStructure: structureOf(id, BUCKETS_STRUCTURE),
    hashSeed: core.hashSeed,
    sameId: (place, key) => state?.hasId(place, key) === true,
    ...(meta === undefined ? {} : { meta }),
  })
  state = new CollectionState({
    id,
    description,
    heap,
    codec: id === CATALOGUE_ID ? catalogueCodec : system ? rawCodec : userCodec(core.platform.codeGeneration),
    system,
    log: core.log,
    spill: core.spill,
    pieces: (object, size, snapshot) => readPieces(core, object, size, snapshot),
  })
  state.logged = system
  core.byId.set(id, state)
  if (!system) core.collections.set(description.name, state)
  return state
}

/** The collection of a name; made, in memory only, when there is none. The first commit that writes to it logs it. */
export function ensureCollection(core: Core, name: string): CollectionState {
  const found = core.collections.get(name)
  if (found !== undefined) return found
  const id = core.nextCollectionId++ as CollectionId
  return makeCollection(core, id, { name, schemaVersion: 1, hasSchema: false }, undefined)
}

const pieceKey = new RecordKey()

/** Puts the pieces of a large record together, as a reader at `snapshot` sees them. */
function readPieces(core: Core, object: string, size: number, snapshot: number): Uint8Array {
  const { pieces } = core.system
  const whole = new Uint8Array(size)
  let at = 0
  for (let piece = 0; at < size; piece++) {
    const id: RecordId = `${object}:${piece}`
    pieceKey.set(id)
    const slot = pieces.heap.find(pieceKey)
    const place = slot < 0 ? NO_PLACE : pieces.heap.placeAt(slot, snapshot)
    if (place === NO_PLACE) throw missingPiece(core, id)
    const bytes = pieces.bytesAt(place, snapshot)
    if (bytes.length === 0 || at + bytes.length > size) throw missingPiece(core, id)
    whole.set(bytes, at)
    at += bytes.length
  }
  return whole
}

function missingPiece(core: Core, id: string): BlazeError<'CORRUPT'> {
  return new BlazeError(
    'CORRUPT',
    `a large record's piece ${id} is missing or has the wrong size; nothing was changed. Put a good copy of the folder in its place.`,
    { file: core.path, offset: 0, expected: `piece ${id}`, found: 'none' },
  )
}
