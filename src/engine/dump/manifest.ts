/**
 * The manifest of a dump: manifest.json, or sealed, with the rest, manifest.sealed; written last. A folder without one is
 * no dump, or one that was cut.
 *
 *   manifest = { format: "blazedb-dump", formatVersion, product, commit, createdAt, files: [file…], sha256 }
 *   file     = { file, collection, format, compress, records, bytes, sha256, schemaVersion, hasSchema, indexes, search }
 *   index    = { name, on: [path…], unique, each, collation, where, declared }      where: as in the JSON form of queries
 *   search   = null | { fields: [{ path, weight }…], language, stopWords }
 *
 * `sha256` of a file is that of its bytes as they lie there, as sha256sum prints it; the manifest's own is that of the
 * JSON of all before it. They find damage; whoever can write to the folder can also write a manifest that fits.
 */
import { BlazeError, corrupt } from '../../base/errors.ts'
import type { Value } from '../../base/values.ts'
import { VERSION } from '../../base/version.ts'
import { formatPart } from '../../indexes/index-spec.ts'
import type { Platform } from '../../platform/platform.ts'
import { everyRecord, type Predicate } from '../../query/query-data.ts'
import { queryFromJson, queryToJson } from '../../query/query-json.ts'
import type { CollectionState } from '../collection-state.ts'
import type { IndexState } from '../index-state.ts'
import { storedTextSpec } from '../text-spec.ts'
import { toHex } from './outside-file.ts'

export type DumpFormat = 'ndjson' | 'csv'

/** An index as a manifest has it. */
export interface DumpedIndex {
  readonly name: string
  readonly on: readonly string[]
  readonly unique: boolean
  readonly each: boolean
  readonly collation: 'nocase' | null
  /** The filter of a partial index. */
  readonly where: Value
  /** True when code declared it, false when `createIndex` made it. */
  readonly declared: boolean
}

/** Text search as a manifest has it. */
export interface DumpedSearch {
  readonly fields: readonly { readonly path: string; readonly weight: number }[]
  readonly language: 'english' | null
  readonly stopWords: readonly string[] | null
}

/** One file of a dump. */
export interface DumpedFile {
  readonly file: string
  readonly collection: string
  readonly format: DumpFormat
  readonly compress: 'gzip' | null
  readonly records: number
  /** Of the file, as it lies there. */
  readonly bytes: number
  readonly sha256: string
  readonly schemaVersion: number
  readonly hasSchema: boolean
  readonly indexes: readonly DumpedIndex[]
  readonly search: DumpedSearch | null
}

/** What a collection is, beside its records. */
export type DumpedCollection = Pick<DumpedFile, 'collection' | 'schemaVersion' | 'hasSchema' | 'indexes' | 'search'>

export interface Manifest {
  readonly format: 'blazedb-dump'
  readonly formatVersion: number
  readonly product: string
  readonly commit: number
  readonly createdAt: string
  readonly files: readonly DumpedFile[]
}

export const MANIFEST_FILE = 'manifest.json'
export const FORMAT_VERSION = 1
/** Ten thousand collections with twenty indexes each stay far below. */
export const MAX_MANIFEST_BYTES = 67_108_864

/** What the manifest says of a collection, as it is now. */
export function describeCollection({ name, description, indexes }: CollectionState): DumpedCollection {
  const { schemaVersion, hasSchema, text } = description
  return {
    collection: name,
    schemaVersion,
    hasSchema,
    indexes: indexes.filter((index) => !index.building).map(describeIndex),
    // storedTextSpec gives exactly these three fields.
    search: text === undefined ? null : (storedTextSpec(text) as unknown as DumpedSearch),
  }
}

/** `where` is in JSON's terms. */
function describeIndex({ spec, where, declared }: IndexState): DumpedIndex {
  return {
    name: spec.name,
    on: spec.parts.map(formatPart),
    unique: spec.unique,
    each: spec.each,
    collation: spec.nocase ? 'nocase' : null,
    where: where === undefined ? null : (queryToJson({ ...everyRecord('index'), where })['where'] as Value),
    declared,
  }
}

/** The filter of a dumped index; INVALID_QUERY for what is none. */
export function filterOf({ where }: DumpedIndex): Predicate | undefined {
  return where === null ? undefined : queryFromJson({ version: 1, collection: 'index', where }).where
}

/** The manifest as it is written. */
export function manifestBytes(
  platform: Platform,
  content: Pick<Manifest, 'commit' | 'createdAt' | 'files'>,
): Uint8Array {
  const manifest: Manifest = {
    format: 'blazedb-dump',
    formatVersion: FORMAT_VERSION,
    product: `blazedb ${VERSION}`,
    ...content,
  }
  return new TextEncoder().encode(`${JSON.stringify({ ...manifest, sha256: sealOf(platform, manifest) }, null, 2)}\n`)
}

/** The manifest of these bytes, proven; `isName` says which names its files may have. FORMAT_NEWER, CORRUPT. */
export function parseManifest(
  platform: Platform,
  path: string,
  bytes: Uint8Array,
  isName: (file: string) => boolean,
): Manifest {
  const damaged = (expected: string, found: string): BlazeError => corrupt(path, 0, expected, found)
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw damaged('JSON', cause instanceof Error ? cause.message : String(cause))
  }
  if (!isObject(json) || json['format'] !== 'blazedb-dump') throw damaged('the manifest of a dump', 'other JSON')
  assertReadable(json['formatVersion'], path)
  const { sha256, ...manifest } = json
  if (sha256 !== sealOf(platform, manifest)) throw damaged('the SHA-256 that it was written with', String(sha256))
  const files = manifest['files']
  if (!Array.isArray(files) || !files.every((each) => isDumpedFile(each, isName)))
    throw damaged('a list of files', 'something else')
  // Its parts were looked at; the numbers are only told.
  return manifest as unknown as Manifest
}

function assertReadable(version: unknown, path: string): void {
  if (version === FORMAT_VERSION) return
  if (typeof version !== 'number' || version < FORMAT_VERSION)
    throw corrupt(path, 0, 'a format version', String(version))
  throw new BlazeError(
    'FORMAT_NEWER',
    `${path} has format ${version}; this version reads up to ${FORMAT_VERSION}. Nothing was written; load it with a newer version.`,
    { found: version, supported: FORMAT_VERSION },
  )
}

function sealOf(platform: Platform, manifest: object): string {
  return toHex(platform.digest.sha256(new TextEncoder().encode(JSON.stringify(manifest))))
}

function isDumpedFile(each: unknown, isName: (file: string) => boolean): boolean {
  return (
    isObject(each) &&
    typeof each['file'] === 'string' &&
    isName(each['file']) &&
    typeof each['collection'] === 'string' &&
    (each['format'] === 'ndjson' || each['format'] === 'csv') &&
    (each['compress'] === null || each['compress'] === 'gzip') &&
    isCount(each['records']) &&
    isCount(each['bytes']) &&
    typeof each['sha256'] === 'string' &&
    isCount(each['schemaVersion']) &&
    typeof each['hasSchema'] === 'boolean' &&
    Array.isArray(each['indexes']) &&
    each['indexes'].every(isDumpedIndex) &&
    (each['search'] === null || isDumpedSearch(each['search']))
  )
}

function isDumpedIndex(each: unknown): boolean {
  return isObject(each) && typeof each['name'] === 'string' && Array.isArray(each['on']) && isTold(each['declared'])
}

function isDumpedSearch(each: unknown): boolean {
  return isObject(each) && Array.isArray(each['fields']) && each['fields'].every(isObject)
}

function isTold(value: unknown): boolean {
  return typeof value === 'boolean'
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The search of a manifest as a collection declares it. */
export function searchOf({ fields, language, stopWords }: DumpedSearch): {
  readonly search: { readonly [path: string]: number }
  readonly searchOptions: { readonly language?: 'english'; readonly stopWords?: readonly string[] }
} {
  return {
    search: Object.fromEntries(fields.map(({ path, weight }) => [path, weight])),
    searchOptions: {
      ...(language === null ? {} : { language }),
      ...(stopWords === null ? {} : { stopWords }),
    },
  }
}
