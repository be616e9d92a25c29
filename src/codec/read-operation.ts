/** Bytes to operations: everything is checked against the bytes that are there, and against what a writer refuses. */
import { getF64 } from '../base/binary.ts'
import { BlazeError } from '../base/errors.ts'
import type { RecordId } from '../base/ids.ts'
import { type Change, type Operation, REPLICA_SIZE } from '../base/operation.ts'
import { MAX_ID_SIZE } from '../base/record-key.ts'
import { formatUuid, UUID_SIZE } from '../base/uuid.ts'
import type { Value } from '../base/values.ts'
import { ByteSource } from './byte-source.ts'
import { Codec } from './codec.ts'
import * as f from './operation-format.ts'
import type { DecodedRecord } from './record-codec.ts'

interface OperationReader {
  readonly replicas: readonly Uint8Array[]
  readonly names: readonly string[]
  readonly records: readonly DecodedRecord[]
  /** The row that the next change with fields gets. */
  recordAt: number
  readonly before: f.Before
}

/** The operations of the bytes, in order. CODEC with the offset. */
export function readOperations(bytes: Uint8Array): Operation[] {
  const source = new ByteSource(bytes)
  checkVersion(source)
  const count = source.count()
  const replicas = readList(source, () => readReplica(source))
  const names = readList(source, () => source.text())
  const codec = new Codec()
  const definitions = source.part()
  if (definitions.left > 0) definitions.rest((part) => codec.define(part))
  const rows = source.part()
  const records = rows.left === 0 ? [] : rows.rest((part) => codec.decodeArray(part))
  const r = { replicas, names, records, recordAt: 0, before: f.nothingBefore() }
  const operations: Operation[] = []
  for (let i = 0; i < count; i++) operations.push(readHead(source.part(), r))
  if (r.recordAt !== records.length) throw source.damaged(`${records.length} rows, of which ${r.recordAt} are used`)
  return operations
}

function checkVersion(source: ByteSource): void {
  const version = source.byte()
  if (version === f.VERSION) return
  const text = `These operations have format ${version}; this version reads ${f.VERSION}.`
  throw new BlazeError('CODEC', text, { offset: 0 })
}

function readList<T>(source: ByteSource, read: () => T): T[] {
  const count = source.count()
  const list: T[] = []
  for (let i = 0; i < count; i++) list.push(read())
  return list
}

function readReplica(source: ByteSource): Uint8Array {
  const start = source.take(REPLICA_SIZE)
  return source.bytes.slice(start, source.at)
}

function readHead(head: ByteSource, r: OperationReader): Operation {
  const { before } = r
  const flags = head.byte()
  if (flags > f.KNOWN_FLAGS) throw head.damaged(`flags ${flags} of a later version`)
  if ((flags & f.NEXT_OF_REPLICA) !== 0) before.seq++
  else {
    before.replica = head.varint()
    before.seq = head.varint()
  }
  const replica = r.replicas[before.replica]
  if (replica === undefined) throw head.damaged(`replica ${before.replica}, which is not listed`)
  before.hlcMs += readSigned(head)
  const hlcCounter = (flags & f.COUNTER_ZERO) !== 0 ? 0 : head.varint()
  if ((flags & f.SAME_SCHEMA) === 0) before.schema = head.varint()
  const { seq, hlcMs, schema } = before
  requireWhole(head, seq, 1, f.LIMIT_48)
  requireWhole(head, hlcMs, 0, f.LIMIT_48)
  requireWhole(head, hlcCounter, 0, f.LIMIT_16)
  requireWhole(head, schema, 0, f.LIMIT_48)
  const changeCount = (flags & f.ONE_CHANGE) !== 0 ? 1 : head.count()
  const changes: Change[] = []
  for (let i = 0; i < changeCount; i++) changes.push(readChange(head, r))
  // Each operation is the caller's own, so its replica is a copy. What is left of the head is of a later version.
  return { replica: replica.slice(), seq, hlcMs, hlcCounter, schema, changes }
}

function readChange(head: ByteSource, r: OperationReader): Change {
  const what = head.byte()
  const kind = f.KINDS[what & f.KIND_BITS]
  const hasRow = (what & f.HAS_ROW) !== 0
  const hasRemoved = (what & f.HAS_REMOVED) !== 0
  if (kind === undefined || (kind === 'delete' && hasRow) || (kind !== 'update' && hasRemoved))
    throw head.damaged(`change ${what}`)
  if ((what & f.SAME_COLLECTION) === 0) r.before.collection = head.varint()
  const collection = readName(head, r, r.before.collection)
  const id = readId(head, (what >>> f.ID_KIND_SHIFT) & 3)
  const removed = hasRemoved ? readList(head, () => readName(head, r, head.varint())) : undefined
  const fields = hasRow ? readRow(head, r, (what & f.ROW_HAS_ID) !== 0 ? id : undefined) : undefined
  return {
    collection,
    id,
    kind,
    ...(fields === undefined ? undefined : { fields }),
    ...(removed === undefined ? undefined : { removed }),
  }
}

/** The next row; with `id` given, that is its first field. */
function readRow(head: ByteSource, r: OperationReader, id: RecordId | undefined): Record<string, Value> {
  const row = r.records[r.recordAt++]
  if (row === undefined) throw head.damaged('a change without its row')
  for (const name of Object.keys(row)) if (name.startsWith('$')) throw head.damaged('a field whose name is reserved')
  // No field of a decoded record is undefined: the type only allows assigning it.
  const fields = row as Record<string, Value>
  if (id === undefined) return fields
  if (Object.hasOwn(row, 'id')) throw head.damaged('a row with two ids')
  return { id, ...fields }
}

function readName(head: ByteSource, r: OperationReader, number: number): string {
  const name = r.names[number]
  if (name === undefined) throw head.damaged(`name ${number}, which is not listed`)
  return name
}

function readId(head: ByteSource, kind: number): RecordId {
  if (kind === f.UUID) return formatUuid(head.bytes, head.take(UUID_SIZE))
  if (kind === f.TEXT) return readText(head)
  const id = kind === f.INTEGER ? readSigned(head) : getF64(head.bytes, head.take(8))
  if (!Number.isSafeInteger(id) || Object.is(id, -0)) throw head.damaged('an id that is no integer')
  return id
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function readText(head: ByteSource): string {
  const size = head.varint()
  if (size === 0 || size > MAX_ID_SIZE) throw head.damaged(`an id of ${size} bytes`)
  const start = head.take(size)
  try {
    return utf8.decode(head.bytes.subarray(start, head.at))
  } catch (cause) {
    throw head.damaged('an id that is no UTF-8', { cause })
  }
}

function readSigned(source: ByteSource): number {
  const value = source.varint()
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2
}

function requireWhole(head: ByteSource, value: number, from: number, limit: number): void {
  if (value < from || value >= limit) throw head.damaged(`${value}, which is not from ${from} to ${limit - 1}`)
}
