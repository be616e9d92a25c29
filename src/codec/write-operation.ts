/** Operations to bytes: heads are written while rows and names are gathered, then all is put together. */
import { equalBytes } from '../base/bytes.ts'
import type { RecordId } from '../base/ids.ts'
import { type Change, type Operation, REPLICA_SIZE } from '../base/operation.ts'
import { ID_STRING, ID_UUID, MAX_ID_SIZE, RecordKey } from '../base/record-key.ts'
import type { Value } from '../base/values.ts'
import { ByteSink } from './byte-sink.ts'
import { Codec } from './codec.ts'
import * as f from './operation-format.ts'
import { invalidValue, withRecordPaths } from './value-path.ts'

interface OperationWriter {
  readonly replicas: Uint8Array[]
  readonly names: Map<string, number>
  /** The fields of changes, and where each set comes from, for errors. */
  readonly rows: object[]
  readonly rowPaths: string[]
  readonly heads: ByteSink
  /** The head under way, whose size is not known yet. */
  readonly head: ByteSink
  readonly key: RecordKey
  readonly before: f.Before
}

/** The bytes of operations: a copy. `pathOf(i)`: what paths in the i-th begin with. */
export function writeOperations(operations: readonly Operation[], pathOf: (index: number) => string): Uint8Array {
  const w: OperationWriter = {
    replicas: [],
    names: new Map(),
    rows: [],
    rowPaths: [],
    heads: new ByteSink(),
    head: new ByteSink(),
    key: new RecordKey(),
    before: f.nothingBefore(),
  }
  operations.forEach((operation, i) => {
    writeHead(w, operation, pathOf(i))
  })
  const codec = new Codec()
  const rows =
    w.rows.length === 0
      ? NO_BYTES
      : withRecordPaths(
          (i) => w.rowPaths[i]!,
          () => codec.encodeArray(w.rows),
        )
  const target = new ByteSink()
  target.byte(f.VERSION)
  target.varint(operations.length)
  target.varint(w.replicas.length)
  for (const replica of w.replicas) target.append(replica)
  target.varint(w.names.size)
  for (const name of w.names.keys()) target.text(name)
  target.sized(codec.definitionCount === 0 ? NO_BYTES : codec.definitions())
  target.sized(rows)
  target.append(w.heads.bytes)
  return target.bytes.slice()
}

const NO_BYTES = new Uint8Array(0)

function writeHead(w: OperationWriter, operation: Operation, path: string): void {
  const { replica, seq, hlcMs, hlcCounter, schema, changes } = operation
  checkWhole(seq, 1, f.LIMIT_48, `${path}seq`)
  checkWhole(hlcMs, 0, f.LIMIT_48, `${path}hlcMs`)
  checkWhole(hlcCounter, 0, f.LIMIT_16, `${path}hlcCounter`)
  checkWhole(schema, 0, f.LIMIT_48, `${path}schema`)
  if (!Array.isArray(changes)) throw invalidValue(`${path}changes`, 'the changes are an array')
  const { head, before } = w
  const author = replicaNumber(w, replica, `${path}replica`)
  const isNext = author === before.replica && seq === before.seq + 1
  head.clear()
  head.byte(
    (isNext ? f.NEXT_OF_REPLICA : 0) |
      (hlcCounter === 0 ? f.COUNTER_ZERO : 0) |
      (schema === before.schema ? f.SAME_SCHEMA : 0) |
      (changes.length === 1 ? f.ONE_CHANGE : 0),
  )
  if (!isNext) {
    head.varint(author)
    head.varint(seq)
  }
  writeSigned(head, hlcMs - before.hlcMs)
  if (hlcCounter !== 0) head.varint(hlcCounter)
  if (schema !== before.schema) head.varint(schema)
  if (changes.length !== 1) head.varint(changes.length)
  before.replica = author
  before.seq = seq
  before.hlcMs = hlcMs
  before.schema = schema
  for (let i = 0; i < changes.length; i++) writeChange(w, changes[i], `${path}changes[${i}]`)
  w.heads.sized(head.bytes)
}

function replicaNumber(w: OperationWriter, replica: Uint8Array, path: string): number {
  if (!(replica instanceof Uint8Array) || replica.length !== REPLICA_SIZE)
    throw invalidValue(path, `a replica is ${REPLICA_SIZE} bytes`)
  const last = w.before.replica
  if (last >= 0 && equalBytes(w.replicas[last]!, replica)) return last
  const known = w.replicas.findIndex((other) => equalBytes(other, replica))
  return known >= 0 ? known : w.replicas.push(replica) - 1
}

function writeChange(w: OperationWriter, change: Change | undefined, path: string): void {
  if (typeof change !== 'object' || change === null) throw invalidValue(path, 'a change is an object')
  const { collection, id, kind, fields, removed } = change
  const kindNumber = f.KINDS.indexOf(kind)
  if (kindNumber < 0) throw invalidValue(`${path}.kind`, `a change is one of ${f.KINDS.join(', ')}`)
  if (typeof collection !== 'string') throw invalidValue(`${path}.collection`, 'a collection is named by a string')
  if ((typeof id !== 'string' && typeof id !== 'number') || !w.key.set(id))
    throw invalidValue(`${path}.id`, `an id is a safe integer or a string of 1 to ${MAX_ID_SIZE} bytes`)
  if (kind === 'delete' && fields !== undefined) throw invalidValue(`${path}.fields`, 'a deletion has no fields')
  if (kind !== 'update' && removed !== undefined) throw invalidValue(`${path}.removed`, 'only an update removes fields')
  const { head, before } = w
  const name = nameNumber(w, collection)
  const idKind = idKindOf(w.key, id)
  const rowHasId = fields !== undefined && beginsWithId(fields, id)
  head.byte(
    kindNumber |
      (fields === undefined ? 0 : f.HAS_ROW) |
      (rowHasId ? f.ROW_HAS_ID : 0) |
      (removed === undefined ? 0 : f.HAS_REMOVED) |
      (idKind << f.ID_KIND_SHIFT) |
      (name === before.collection ? f.SAME_COLLECTION : 0),
  )
  if (name !== before.collection) head.varint(name)
  before.collection = name
  writeId(w, idKind)
  if (removed !== undefined) writeRemoved(w, removed, `${path}.removed`)
  if (fields === undefined) return
  w.rows.push(rowHasId ? withoutId(fields) : fields)
  w.rowPaths.push(`${path}.fields`)
}

function writeRemoved(w: OperationWriter, removed: readonly string[], path: string): void {
  if (!Array.isArray(removed)) throw invalidValue(path, 'the removed fields are an array of names')
  w.head.varint(removed.length)
  for (let i = 0; i < removed.length; i++) {
    const name: unknown = removed[i]
    if (typeof name !== 'string') throw invalidValue(`${path}[${i}]`, 'a field is named by a string')
    w.head.varint(nameNumber(w, name))
  }
}

function nameNumber(w: OperationWriter, name: string): number {
  const known = w.names.get(name)
  if (known !== undefined) return known
  w.names.set(name, w.names.size)
  return w.names.size - 1
}

function idKindOf(key: RecordKey, id: RecordId): number {
  if (key.idKind === ID_UUID) return f.UUID
  if (key.idKind === ID_STRING) return f.TEXT
  return Math.abs(id as number) < f.LIMIT_48 ? f.INTEGER : f.FLOAT // neither of the two kinds of string: a number
}

/** Writes the id that the writer's key holds. */
function writeId({ head, key }: OperationWriter, kind: number): void {
  const stored = key.idBytes.subarray(0, key.idSize)
  if (kind === f.INTEGER) writeSigned(head, key.idNumber())
  else if (kind === f.TEXT) head.sized(stored)
  else head.append(stored)
}

/** True when the row can be written without its id: a plain object whose first field is the record's id. */
function beginsWithId(fields: Readonly<Record<string, Value>>, id: RecordId): boolean {
  if (typeof fields !== 'object' || fields === null || Object.getPrototypeOf(fields) !== Object.prototype) return false
  if (!Object.hasOwn(fields, 'id') || fields['id'] !== id || Object.is(id, -0)) return false
  return Object.keys(fields)[0] === 'id'
}

function withoutId({ id: _, ...others }: Readonly<Record<string, Value>>): object {
  return others
}

function writeSigned(sink: ByteSink, value: number): void {
  sink.varint(value < 0 ? -2 * value - 1 : 2 * value)
}

function checkWhole(value: number, from: number, limit: number, path: string): void {
  if (Number.isInteger(value) && value >= from && value < limit) return
  throw invalidValue(path, `this is a whole number from ${from} to ${limit - 1}`)
}
