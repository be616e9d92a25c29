/** The collection that records are loaded into: what keeps it from taking them, and what it is to be beside them. */
import { BlazeError } from '../../base/errors.ts'
import { parseIndexSpec } from '../../indexes/index-spec.ts'
import { checkedName } from '../collection-spec.ts'
import type { CollectionState } from '../collection-state.ts'
import type { Core } from '../core.ts'
import { addIndex, commitCatalogue } from '../ddl.ts'
import type { CollectionDoor } from '../reader.ts'
import { ensureCollection } from '../system-collections.ts'
import { textSpecOf } from '../text-spec.ts'
import { type DumpedCollection, type DumpedIndex, filterOf, searchOf } from './manifest.ts'

/** What a load is given by the database that it is a call of. */
export interface LoadDoors {
  /** A collection to write to; `unchecked`: also one with a schema that this code does not declare. */
  door(name: string, unchecked: boolean): CollectionDoor
  /** Names of the collections that this code declares. */
  readonly declared: readonly string[]
}

/** Refuses what cannot be loaded as it was dumped. Nothing is written. */
export function assertLoadable(
  core: Core,
  { collection: name, schemaVersion, hasSchema, indexes, search }: DumpedCollection,
  { unchecked, isDeclared }: { readonly unchecked: boolean; readonly isDeclared: boolean },
): void {
  checkedName(name, false)
  const state = core.collections.get(name)
  const isNew = state === undefined || !(state.logged || isDeclared)
  if (hasSchema && state?.rules === undefined && state?.unchecked !== true && !unchecked) throw schemaRequired(name)
  const version = isNew ? schemaVersion : state.description.schemaVersion
  if (version !== schemaVersion) throw otherVersion(name, schemaVersion, version)
  for (const index of indexes) specOf(index, 0)
  if (search !== null) textSpecOf(searchOf(search))
}

/** Makes the collection what it was: schema version, search, indexes. What this code declares of it stays as declared. */
export async function prepareTarget(
  core: Core,
  dumped: DumpedCollection,
  options: { readonly isDeclared: boolean; readonly indexes: boolean; readonly signal: AbortSignal | undefined },
): Promise<readonly string[]> {
  const collection = ensureCollection(core, dumped.collection)
  const { description } = collection
  const next = {
    ...description,
    schemaVersion: dumped.schemaVersion,
    hasSchema: description.hasSchema || dumped.hasSchema,
    text:
      description.text ??
      (options.indexes && !options.isDeclared && dumped.search !== null
        ? textSpecOf(searchOf(dumped.search))
        : undefined),
  }
  const same =
    collection.logged &&
    next.schemaVersion === description.schemaVersion &&
    next.hasSchema === description.hasSchema &&
    next.text === description.text
  if (!same) await commitCatalogue(core, collection, { description: next })
  return options.indexes ? await makeIndexes(core, collection, dumped.indexes, options) : []
}

/** The names of those that were made: an index whose name is there stays, and what code declares is the code's affair. */
async function makeIndexes(
  core: Core,
  collection: CollectionState,
  indexes: readonly DumpedIndex[],
  { isDeclared, signal }: { readonly isDeclared: boolean; readonly signal: AbortSignal | undefined },
): Promise<readonly string[]> {
  const made: string[] = []
  for (const index of indexes) {
    const isThere = collection.indexes.some(({ spec }) => spec.name === index.name)
    if (isThere || (isDeclared && index.declared)) continue
    const options = { declared: index.declared, ...(signal === undefined ? {} : { signal }) }
    await addIndex(core, collection, (part) => specOf(index, part), options)
    made.push(index.name)
  }
  return made
}

function specOf(index: DumpedIndex, part: number): ReturnType<Parameters<typeof addIndex>[2]> {
  const { name, on, unique, each, collation } = index
  const form = { name, on, unique, each, ...(collation === null ? {} : { collation }) }
  return { spec: parseIndexSpec(form, part), where: filterOf(index) }
}

function schemaRequired(collection: string): BlazeError<'SCHEMA_REQUIRED'> {
  return new BlazeError(
    'SCHEMA_REQUIRED',
    `${collection} was dumped with a schema, and this code opened it without one. Declare it in open(), or load with { unchecked: true }.`,
    { collection },
  )
}

function otherVersion(
  collection: string,
  stored: number,
  declared: number,
): BlazeError<'VERSION_NEWER' | 'INVALID_ARGUMENT'> {
  const text = `${collection} was dumped with schema version ${stored}, and here it has version ${declared}.`
  if (stored > declared) {
    return new BlazeError('VERSION_NEWER', `${text} Load it with newer code.`, { collection, stored, declared })
  }
  return new BlazeError(
    'INVALID_ARGUMENT',
    `${text} Load it into a new folder that is opened without this declaration, with { unchecked: true }; opened with it, the records are then migrated.`,
    { argument: 'source' },
  )
}
