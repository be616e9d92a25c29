/**
 * What each write call means: one implementation for single calls, batches and transactions. A {@link WriteContext}
 * says what is there now; the functions put the outcome into its write set. Nothing is logged or installed here.
 */
import { copyValue } from '../base/copy-value.ts'
import { BlazeError } from '../base/errors.ts'
import type { RecordId } from '../base/ids.ts'
import { RecordKey } from '../base/record-key.ts'
import type { StoredRecord } from '../base/values.ts'
import type { CollectionState } from './collection-state.ts'
import type { WriteEntry, WriteSet } from './write-set.ts'

/** Where a write happens. */
export interface WriteContext {
  readonly writes: WriteSet
  readonly maxRecordBytes: number
  readonly newId: () => string
  /** The record as this context sees it, own writes included: a fresh object. */
  current(collection: CollectionState, id: RecordId): StoredRecord | undefined
  /** The id of the record that has this one's key in a unique index. */
  findUnique(collection: CollectionState, index: string, record: StoredRecord): RecordId | undefined
  /** Refuses a put that takes a unique key which is taken as this context sees it. `bytes`: the record to put. */
  checkUnique(collection: CollectionState, id: RecordId, before: StoredRecord | undefined, bytes: Uint8Array): void
  /** Room for so many bytes more? Throws MEMORY_LIMIT. */
  admit(bytes: number): void
  /** A put into the write set: the keys it takes in unique indexes are noted. */
  notePut(entry: WriteEntry): void
  /** The record of a put as the caller gets it: an object of its own. */
  result(entry: WriteEntry): StoredRecord | undefined
}

/** In a patch: take the field away. */
export const unset: unique symbol = Symbol('blazedb.unset')

export type Patch = { readonly [name: string]: unknown }
export type PatchFunction = (record: StoredRecord) => Patch

/** The most bytes one batch or transaction may write. */
export const MAX_WRITE_SET_BYTES = 0x40000000

const key = new RecordKey()

export function insert(context: WriteContext, collection: CollectionState, input: unknown): RecordId {
  const given = asObject(collection, input)
  const record = validated(collection, given['id'] === undefined ? withId(given, context.newId()) : given)
  const id = idOf(collection, record)
  if (context.current(collection, id) !== undefined) {
    throw new BlazeError(
      'DUPLICATE_ID',
      `${collection.name} has a record with id ${JSON.stringify(id)} already; nothing was written. Use upsert or replace.`,
      { collection: collection.name, id },
    )
  }
  return put(context, collection, id, undefined, record)
}

export function replace(context: WriteContext, collection: CollectionState, input: unknown): RecordId {
  const given = asObject(collection, input)
  const id = idOf(collection, given)
  const before = existing(context, collection, id)
  const record = validated(collection, given)
  return put(context, collection, sameId(collection, id, record), before, record)
}

export function update(
  context: WriteContext,
  collection: CollectionState,
  id: RecordId,
  change: Patch | PatchFunction,
): RecordId {
  const before = existing(context, collection, checkedId(collection, id))
  const mark = context.writes.savepoint()
  const patch = typeof change === 'function' ? change(deepFreeze(copyValue(before))) : change
  if (context.writes.savepoint() !== mark) {
    throw new BlazeError(
      'INVALID_PATCH',
      `${collection.name}: the patch function wrote to the transaction itself, so its patch would undo that; the call wrote nothing. Return all changes as the patch.`,
      { collection: collection.name },
    )
  }
  return applyPatch(context, collection, before, patch)
}

export function upsert(
  context: WriteContext,
  collection: CollectionState,
  input: unknown,
  on: string | undefined,
): RecordId {
  const given = asObject(collection, input)
  const before = upsertTarget(context, collection, given, on)
  if (before === undefined) return insert(context, collection, given)
  const { id: _, ...patch } = given
  return applyPatch(context, collection, before, patch)
}

/** True when there was a record. */
export function remove(context: WriteContext, collection: CollectionState, id: RecordId): boolean {
  if (context.current(collection, checkedId(collection, id)) === undefined) return false
  context.writes.remove(collection, id)
  return true
}

/** A patch on the record that is there now. */
export function applyPatch(
  context: WriteContext,
  collection: CollectionState,
  before: StoredRecord,
  patch: unknown,
): RecordId {
  const fields = asPatch(collection, before, patch)
  const merged: Record<string, unknown> = {}
  for (const name of Object.keys(before)) setField(merged, name, before[name])
  for (const [name, value] of Object.entries(fields)) {
    if (value === unset) delete merged[name]
    else if (value !== undefined) setField(merged, name, value)
  }
  const record = validated(collection, merged)
  const after = collection.rules === undefined ? record : withDropped(record, before, fields)
  return put(context, collection, before.id, before, after, differsPlainly(before, after))
}

/** What the validator drops but the patch did not name stays: older code does not destroy newer fields. */
function withDropped(record: StoredRecord, before: StoredRecord, patch: Record<string, unknown>): StoredRecord {
  const kept: Record<string, unknown> = { ...record }
  for (const name of Object.keys(before)) {
    const named = Object.hasOwn(patch, name) && patch[name] !== undefined
    if (!Object.hasOwn(record, name) && !named) setField(kept, name, before[name])
  }
  return kept as StoredRecord
}

/** True when two records without getters differ at a glance, in a simple value; else their bytes must tell. */
function differsPlainly(before: StoredRecord, after: StoredRecord): boolean {
  for (const name of Object.keys(after)) {
    const a = before[name]
    const b = after[name]
    if (isSimple(a) && isSimple(b) && a !== b && !(Number.isNaN(a) && Number.isNaN(b))) return true
  }
  return false
}

function isSimple(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean'
}

/** Puts the record into the write set and returns its id. `changed`: it is known to differ from the one before. */
function put(
  context: WriteContext,
  collection: CollectionState,
  id: RecordId,
  before: StoredRecord | undefined,
  record: StoredRecord,
  changed = false,
): RecordId {
  const { codec } = collection
  const { definitionCount } = codec
  const bytes = codec.encode(record, collection.name)
  if (bytes.length > context.maxRecordBytes) {
    throw new BlazeError(
      'TOO_LARGE',
      `the record ${JSON.stringify(id)} of ${collection.name} takes ${bytes.length} bytes, more than maxRecordBytes (${context.maxRecordBytes}); nothing was written`,
      { limit: context.maxRecordBytes, actual: bytes.length },
    )
  }
  context.admit(bytes.length)
  let kept = bytes
  if (before !== undefined && !changed) {
    kept = bytes.slice()
    if (sameBytes(kept, codec.encode(before, collection.name))) return id
    // Records that are equal have equal bytes only while the codec's table stays as it is: then it is asked again.
    if (codec.definitionCount !== definitionCount) return put(context, collection, id, before, record)
  }
  context.checkUnique(collection, id, before, kept)
  context.notePut(context.writes.put(collection, id, kept))
  return id
}

/** The record as this context now has it: a fresh object, the caller's own. */
export function storedRecord(context: WriteContext, collection: CollectionState, id: RecordId): StoredRecord {
  const own = context.writes.find(collection, id)
  return (own && context.result(own)) ?? existing(context, collection, id)
}

/** Nothing changed: no new version, no event. The same content gives the same bytes. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

function upsertTarget(
  context: WriteContext,
  collection: CollectionState,
  given: Record<string, unknown>,
  on: string | undefined,
): StoredRecord | undefined {
  if (on === undefined) {
    return given['id'] === undefined ? undefined : context.current(collection, idOf(collection, given))
  }
  const id = context.findUnique(collection, on, given as StoredRecord)
  return id === undefined ? undefined : context.current(collection, id)
}

function existing(context: WriteContext, collection: CollectionState, id: RecordId): StoredRecord {
  const record = context.current(collection, id)
  if (record !== undefined) return record
  throw new BlazeError(
    'NOT_FOUND',
    `${collection.name} has no record with id ${JSON.stringify(id)}; nothing was written. Use upsert to make one.`,
    { collection: collection.name, id },
  )
}

function validated(collection: CollectionState, record: object): StoredRecord {
  const output =
    collection.rules === undefined ? (record as StoredRecord) : withIdOf(record, collection.rules.validate(record))
  for (const name of Object.keys(output)) {
    if (name.charCodeAt(0) === 36) {
      throw new BlazeError(
        'INVALID_VALUE',
        `${collection.name}.${name}: names that begin with $ belong to the database; nothing was written`,
        { path: `${collection.name}.${name}` },
      )
    }
  }
  return output
}

/** The id is the database's own: a schema that does not name it, and so drops it, does not take it away. */
function withIdOf(record: object, output: StoredRecord): StoredRecord {
  if (Object.hasOwn(output, 'id') || !Object.hasOwn(record, 'id')) return output
  return withId(output, Reflect.get(record, 'id')) as StoredRecord
}

function withId(record: Record<string, unknown>, id: unknown): Record<string, unknown> {
  const made: Record<string, unknown> = { id }
  for (const name of Object.keys(record)) if (name !== 'id') setField(made, name, record[name])
  return made
}

/** `__proto__` is a field like any other. */
function setField(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true })
  } else target[name] = value
}

function asObject(collection: CollectionState, input: unknown): Record<string, unknown> {
  if (typeof input === 'object' && input !== null) {
    const prototype: unknown = Object.getPrototypeOf(input)
    if (prototype === Object.prototype || prototype === null) return input as Record<string, unknown>
  }
  throw new BlazeError('INVALID_VALUE', `${collection.name}: a record must be a plain object; nothing was written`, {
    path: collection.name,
  })
}

function asPatch(collection: CollectionState, before: StoredRecord, patch: unknown): Record<string, unknown> {
  const wrong = (text: string): never => {
    throw new BlazeError('INVALID_PATCH', `${collection.name}: ${text}; nothing was written`, {
      collection: collection.name,
    })
  }
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) {
    return wrong('a patch must be a plain object, and a patch function must return one, synchronously')
  }
  if ('then' in patch && typeof patch.then === 'function') return wrong('a patch function may not return a promise')
  const fields = patch as Record<string, unknown>
  if (Object.hasOwn(fields, 'id') && fields['id'] !== undefined && fields['id'] !== before.id) {
    return wrong('the id of a record cannot be changed; insert a new record and delete this one')
  }
  return fields
}

function idOf(collection: CollectionState, record: { readonly id?: unknown }): RecordId {
  return checkedId(collection, record.id)
}

function sameId(collection: CollectionState, id: RecordId, record: StoredRecord): RecordId {
  if (record.id === id) return id
  throw new BlazeError('INVALID_PATCH', `the schema of ${collection.name} changes the id; nothing was written`, {
    collection: collection.name,
  })
}

/** An id that a record can have. */
export function checkedId(collection: CollectionState, id: unknown): RecordId {
  if ((typeof id === 'string' || typeof id === 'number') && key.set(id)) return id
  throw new BlazeError(
    'INVALID_VALUE',
    `${collection.name}.id must be a string of 1 to 512 bytes of UTF-8 without lone surrogates, or a safe integer; nothing was written`,
    { path: `${collection.name}.id` },
  )
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  for (const field of Object.values(value)) deepFreeze(field)
  return Object.freeze(value)
}
