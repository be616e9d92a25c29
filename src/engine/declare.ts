/**
 * What open() does with the declared collections: schema versions and migrations, indexes that are wanted and missing,
 * indexes that were declared once and are no longer. Collections that the code does not declare are left alone.
 */
import { BlazeError } from '../base/errors.ts'
import type { StoredRecord, Value } from '../base/values.ts'
import { toJsonForm } from '../codec/json-form.ts'
import type { TextSpec } from '../text/text-fields.ts'
import type { CollectionOptions } from './collection-spec.ts'
import type { CollectionState } from './collection-state.ts'
import { DirectContext } from './contexts.ts'
import type { Core } from './core.ts'
import { commitCatalogue, createIndex, dropIndex, indexOf, type Progress } from './ddl.ts'
import { SchemaRules } from './schema.ts'
import { ensureCollection } from './system-collections.ts'
import { sameTextSpec, textSpecOf } from './text-spec.ts'
import { replace } from './writes.ts'

type OnProgress = ((progress: Progress) => void) | undefined

/** Brings one collection to what its declaration says; before open() resolves. */
export async function declareCollection(
  core: Core,
  name: string,
  options: CollectionOptions,
  onProgress: OnProgress,
): Promise<void> {
  const text = textSpecOf(options)
  const known = core.collections.get(name)
  if (known === undefined && core.options.readOnly) return
  const collection = known ?? ensureCollection(core, name)
  const declared = checkedVersion(name, options.version)
  const stored = collection.logged ? collection.description.schemaVersion : declared
  if (options.schema !== undefined) collection.rules = new SchemaRules(name, options.schema)
  collection.unchecked = options.unchecked === true
  if (stored > declared) {
    if (!core.options.readOnly) throw versionNewer(name, stored, declared)
    return
  }
  if (core.options.readOnly) return
  if (stored < declared) await migrate(core, collection, { from: stored, to: declared, options, onProgress })
  await describe(core, collection, declared, options.schema !== undefined)
  await declareIndexes(core, collection, options, onProgress)
  await declareText(core, collection, text)
}

/** The text index is made when it is first searched: here only what it is to be. */
async function declareText(core: Core, collection: CollectionState, text: TextSpec | undefined): Promise<void> {
  const { description } = collection
  if (sameTextSpec(description.text, text)) return
  const next = { ...description, text }
  if (collection.logged) await commitCatalogue(core, collection, { description: next })
  else {
    collection.description = next
    core.texts.declare(collection, text)
  }
}

async function describe(core: Core, collection: CollectionState, version: number, schema: boolean): Promise<void> {
  const { description } = collection
  const hasSchema = description.hasSchema || schema
  if (collection.logged && description.schemaVersion === version && description.hasSchema === hasSchema) return
  const next = { ...description, schemaVersion: version, hasSchema }
  // A new collection is logged by its first write; there is nothing in it yet.
  if (collection.logged) await commitCatalogue(core, collection, { description: next })
  else collection.description = next
}

async function declareIndexes(
  core: Core,
  collection: CollectionState,
  { indexes = [] }: CollectionOptions,
  onProgress: OnProgress,
): Promise<void> {
  const wanted = new Map(indexes.map((form) => [indexOf(form).spec.name, form] as const))
  for (const index of collection.indexes) {
    const form = wanted.get(index.spec.name)
    const same = form !== undefined && sameIndex(index.describe(), form)
    if (same) wanted.delete(index.spec.name)
    else if (index.declared || form !== undefined) await dropIndex(core, collection, index.spec.name)
  }
  for (const form of wanted.values()) {
    await createIndex(core, collection, form, {
      declared: true,
      ...(onProgress === undefined ? {} : { onProgress }),
    })
  }
}

function sameIndex(stored: { readonly [name: string]: unknown }, form: Parameters<typeof indexOf>[0]): boolean {
  const { spec, where } = indexOf(form)
  return (
    JSON.stringify(stored['parts']) ===
      JSON.stringify(spec.parts.map(({ path, descending }) => ({ path, descending }))) &&
    stored['unique'] === spec.unique &&
    stored['each'] === spec.each &&
    stored['nocase'] === spec.nocase &&
    stored['where'] === (where === undefined ? null : JSON.stringify(toJsonForm(where as unknown as Value)))
  )
}

interface Migration {
  readonly from: number
  readonly to: number
  readonly options: CollectionOptions
  readonly onProgress: OnProgress
}

/** All records and the new version in one commit: a crash leaves either all of it or none. */
async function migrate(core: Core, collection: CollectionState, migration: Migration): Promise<void> {
  const context = new DirectContext(core)
  const { heap } = collection
  for (let slot = 0; slot < heap.slots.highSlot; slot++) {
    if (!heap.isLive(slot)) continue
    const old = collection.readNewest(slot)
    let step = migration.from
    try {
      let record: unknown = old
      for (step = migration.from + 1; step <= migration.to; step++) {
        const change = migration.options.migrate?.[step]
        // What a step gave is a record or the next step's own business: `replace` checks the last one.
        if (change !== undefined) record = change(record as StoredRecord)
      }
      replace(context, collection, { ...(record as StoredRecord), id: old.id })
    } catch (error) {
      throw migrationFailed(collection.name, Math.min(step, migration.to), old.id, error)
    }
    if (slot % 1000 === 0) {
      migration.onProgress?.({
        collection: collection.name,
        step: `migrate to version ${migration.to}`,
        done: slot,
        total: heap.slots.highSlot,
      })
    }
  }
  const description = { ...collection.description, schemaVersion: migration.to }
  await commitCatalogue(core, collection, { description }, undefined, context.writes)
}

function checkedVersion(name: string, version: number | undefined): number {
  if (version === undefined) return 1
  if (Number.isSafeInteger(version) && version >= 1) return version
  throw new BlazeError('INVALID_ARGUMENT', `${name}: version is a whole number from 1, found ${String(version)}`, {
    argument: 'version',
  })
}

function versionNewer(collection: string, stored: number, declared: number): BlazeError<'VERSION_NEWER'> {
  return new BlazeError(
    'VERSION_NEWER',
    `${collection} was written with schema version ${stored} and this code declares ${declared}; nothing was changed. Run newer code, or open with readOnly: true.`,
    { collection, stored, declared },
  )
}

function migrationFailed(
  collection: string,
  step: number,
  id: string | number,
  cause: unknown,
): BlazeError<'MIGRATION'> {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new BlazeError(
    'MIGRATION',
    `${collection}: the migration to version ${step} failed at record ${JSON.stringify(id)}: ${reason}. Nothing was changed.`,
    { collection, step, id },
    { cause },
  )
}
