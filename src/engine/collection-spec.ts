/** What a collection is declared with, and the types that follow from it. */
import { BlazeError } from '../base/errors.ts'
import type { IndexForm } from '../indexes/index-spec.ts'
import type { DynamicRecord } from '../query/types.ts'
import type { Collection, SnapshotCollection, TransactionCollection } from './collection.ts'
import { assertKnown } from './known-options.ts'
import type { StandardSchema } from './schema.ts'
import type { SearchDeclaration } from './text-spec.ts'

/** One step of a migration: the record as the version before had it, to the record as this one has it. */
export type MigrationStep = (old: { readonly [name: string]: unknown }) => unknown

export interface CollectionOptions extends SearchDeclaration {
  /** A Standard Schema (zod, valibot, arktype …): its output is what is stored. None: any record. */
  readonly schema?: StandardSchema
  /** The wanted state: missing ones are built at open, declared ones of an earlier open that are gone are dropped. */
  readonly indexes?: readonly IndexForm[]
  /** Integer from 1, raised when the schema changes. */
  readonly version?: number
  /** By version: how a record of the version before becomes one of this. */
  readonly migrate?: { readonly [version: number]: MigrationStep }
  /** For tools: write to a collection that has a schema, without one. */
  readonly unchecked?: boolean
}

declare const recordType: unique symbol
declare const inputType: unique symbol

/** A declared collection. T is the record, I what an insert takes. */
export interface CollectionSpec<T = DynamicRecord, I = T> {
  readonly options: CollectionOptions
  /** Types only. */
  readonly [recordType]?: T
  readonly [inputType]?: I
}

type OutputOf<S> = S extends { readonly '~standard': { readonly types?: infer U } }
  ? NonNullable<U> extends { readonly output: infer O }
    ? O
    : never
  : never
type InputOf<S> = S extends { readonly '~standard': { readonly types?: infer U } }
  ? NonNullable<U> extends { readonly input: infer I }
    ? I
    : never
  : never

type IdIn<T> = T extends { id?: infer I } ? Exclude<I, undefined> : string
/** A stored record always has its id. */
export type RecordOf<S> = Omit<OutputOf<S>, 'id'> & { id: IdIn<OutputOf<S>> }
/** On insert the id may be left out. */
export type InsertOf<S> = Omit<InputOf<S>, 'id'> & { id?: IdIn<OutputOf<S>> | undefined }

/** What an insert into a schemaless collection takes. */
export type DynamicInsert = { id?: string | number | undefined; [name: string]: unknown }

/**
 * Declares a collection.
 * @example
 * const bugs = collection({ schema: z.object({ title: z.string() }), indexes: ['title'] })
 * await using db = await open('./bugs.blaze', { collections: { bugs } })
 */
export function collection<S extends StandardSchema>(
  options: Omit<CollectionOptions, 'schema'> & { readonly schema: S },
): CollectionSpec<RecordOf<S>, InsertOf<S>>
export function collection(options?: Omit<CollectionOptions, 'schema'>): CollectionSpec<DynamicRecord, DynamicInsert>
export function collection<T extends { id: string | number }>(
  options?: Omit<CollectionOptions, 'schema'>,
): CollectionSpec<T, Omit<T, 'id'> & { id?: T['id'] | undefined }>
export function collection(options: CollectionOptions = {}): CollectionSpec<unknown, unknown> {
  assertKnown('collection()', options, [
    'schema',
    'indexes',
    'search',
    'searchOptions',
    'version',
    'migrate',
    'unchecked',
  ])
  return { options: Object.freeze({ ...options }) }
}

/** The specs of a database's declared collections. */
export type CollectionSpecs = {
  readonly [name: string]: CollectionSpec<never, never> | CollectionSpec<unknown, unknown>
}

type Spec<T, I> = { readonly [recordType]?: T; readonly [inputType]?: I }

export type CollectionsOf<C> = {
  readonly [K in keyof C]: C[K] extends Spec<infer T, infer I> ? Collection<T, I> : never
}
export type TransactionCollectionsOf<C> = {
  readonly [K in keyof C]: C[K] extends Spec<infer T, infer I> ? TransactionCollection<T, I> : never
}
export type SnapshotCollectionsOf<C> = {
  readonly [K in keyof C]: C[K] extends Spec<infer T, infer _I> ? SnapshotCollection<T> : never
}

/** Names that are taken by the members of Database, Transaction and Snapshot, now or soon. */
const MEMBERS = [
  'then',
  'path',
  'readOnly',
  'collection',
  'collections',
  'dropCollection',
  'renameCollection',
  'createIndex',
  'dropIndex',
  'transaction',
  'transactionSync',
  'begin',
  'read',
  'snapshot',
  'asOf',
  'flush',
  'checkpoint',
  'compact',
  'rekey',
  'stats',
  'health',
  'close',
  'changes',
  'conflicts',
  'enableSync',
  'backup',
  'dump',
  'dumpStream',
  'load',
  'importSqlite',
  'verify',
  'as',
  'commit',
  'rollback',
  'savepoint',
  'isOpen',
  'label',
  'commitNumber',
] as const

/** Names that every object has. */
const INHERITED = [
  'constructor',
  'toString',
  'valueOf',
  'hasOwnProperty',
  'isPrototypeOf',
  'propertyIsEnumerable',
  'toLocaleString',
  '__proto__',
] as const

/** What no declared collection may be called: refused by the compiler too, but for what every object has. */
export type ReservedName = (typeof MEMBERS)[number]

export const RESERVED_NAMES: ReadonlySet<string> = new Set([...MEMBERS, ...INHERITED])

/** The longest name of a collection, in UTF-16 units. */
const MAX_NAME = 200

/** Refuses a name that a collection cannot have. */
export function checkedName(name: unknown, declared: boolean): string {
  if (typeof name !== 'string' || name.length === 0 || name.length > MAX_NAME || !name.isWellFormed()) {
    throw new BlazeError(
      'INVALID_ARGUMENT',
      `a collection's name is a string of 1 to ${MAX_NAME} characters, found ${typeof name === 'string' ? JSON.stringify(name) : typeof name}; nothing was written`,
      { argument: 'name' },
    )
  }
  if (declared && RESERVED_NAMES.has(name)) {
    throw new BlazeError(
      'RESERVED_NAME',
      `'${name}' is a member of the database itself, so no declared collection can have that name; choose another`,
      { name },
    )
  }
  return name
}
