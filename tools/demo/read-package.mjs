/**
 * A package's folder as records. package.json files are written by many hands: a field of the wrong kind is treated as
 * absent, the forms of `license` that npm once allowed are understood, and what makes no sense at all is reported.
 */
import { open, readFile, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { messageOf } from './find-packages.mjs'

/** A package.json above this size is no manifest; it is not read. */
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024
/** Longer READMEs are cut here, and said to be. */
const MAX_README_BYTES = 256 * 1024

/** Where package.json lists dependencies, and what we call each list. */
const LISTS = /** @type {const} */ ([
  ['dependencies', 'runtime'],
  ['peerDependencies', 'peer'],
  ['optionalDependencies', 'optional'],
  ['devDependencies', 'dev'],
])

/** @typedef {import('./find-packages.mjs').FoundFolder} FoundFolder */
/** @typedef {import('zod').input<typeof import('./collections.mjs').packageSchema>} PackageRecord */
/** @typedef {import('zod').input<typeof import('./collections.mjs').dependencySchema>} DependencyRecord */

/**
 * The records of a package; undefined, and reported, when it has no manifest that can be read.
 * @param {string} project
 * @param {FoundFolder} found
 * @param {import('./find-packages.mjs').Report} report
 * @returns {Promise<{ record: PackageRecord, dependencies: DependencyRecord[] } | undefined>}
 */
export async function readPackage(project, found, report) {
  const manifest = await readManifest(join(found.folder, 'package.json'), report)
  if (manifest === undefined) return undefined
  const id = relative(project, found.folder).split(sep).join('/')
  const dependencies = LISTS.flatMap(([list, kind]) =>
    Object.entries(objectOf(manifest[list])).flatMap(([name, range]) =>
      typeof range === 'string' ? [{ from: id, name, range, kind }] : [],
    ),
  )
  const record = {
    id,
    name: textOf(manifest['name']) ?? found.name,
    version: textOf(manifest['version']) ?? null,
    license: licenseOf(manifest),
    description: textOf(manifest['description']) ?? '',
    sizeBytes: found.sizeBytes,
    fileCount: found.fileCount,
    readme: await readReadme(found, report),
  }
  return { record, dependencies }
}

/**
 * @param {string} path
 * @param {import('./find-packages.mjs').Report} report
 * @returns {Promise<Record<string, unknown> | undefined>}
 */
async function readManifest(path, report) {
  try {
    const { size } = await stat(path)
    if (size > MAX_MANIFEST_BYTES) {
      report.problem(path, `${size} bytes are too many for a package.json`)
      return undefined
    }
    const text = await readFile(path, 'utf8')
    /** @type {unknown} */
    const value = JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text)
    if (isObject(value)) return value
    report.problem(path, 'holds no object')
  } catch (error) {
    report.problem(path, messageOf(error))
  }
  return undefined
}

/**
 * The README's text, null when there is none.
 * @param {FoundFolder} found
 * @param {import('./find-packages.mjs').Report} report
 */
async function readReadme({ folder, files }, report) {
  const names = files.filter((name) => /^readme(\.(md|markdown|txt|rst))?$/i.test(name))
  const name = names.find((each) => /\.md$/i.test(each)) ?? names[0]
  if (name === undefined) return null
  const path = join(folder, name)
  try {
    const file = await open(path)
    try {
      const buffer = Buffer.alloc(MAX_README_BYTES)
      const { bytesRead } = await file.read(buffer, 0, MAX_README_BYTES, 0)
      const { size } = await file.stat()
      if (size > bytesRead) report.problem(path, `${size} bytes; the first ${bytesRead} are kept`)
      return buffer.toString('utf8', 0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    report.problem(path, messageOf(error))
    return null
  }
}

/** `"MIT"`, `{ type }`, `[{ type }]`, under `license` or `licenses`; null when none is named. @param {Record<string, unknown>} manifest */
function licenseOf(manifest) {
  const named = [manifest['license'], manifest['licenses']].flat().flatMap((each) => {
    const text = textOf(isObject(each) ? each['type'] : each)
    return text === undefined ? [] : [text]
  })
  return named.length === 0 ? null : [...new Set(named)].join(' OR ')
}

/** @param {unknown} value */
function textOf(value) {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}

/** @param {unknown} value */
function objectOf(value) {
  return isObject(value) ? value : {}
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
