/**
 * Walks a node_modules folder, package by package. A package is a folder directly in a node_modules folder, or in a
 * scope (`@scope/name`) there, at any depth:
 *
 *   node_modules/
 *     chalk/                 a package
 *     @types/node/           a package
 *     express/node_modules/
 *       debug/               a package, with its own size; not counted into express
 *     chalk/esm/package.json an inner package.json: a mark for module loaders, not an installed package
 *     linked -> ../elsewhere a symbolic link: counted, never followed
 *
 * One package is in memory at a time. What cannot be read is reported and left out; nothing here throws for it.
 */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Files whose size is asked for at a time. */
const STAT_BATCH = 64

/**
 * @typedef {object} FoundFolder
 * @property {string} folder of the package
 * @property {string} name by the folders it lies in
 * @property {number} sizeBytes of its files, packages nested in it left out
 * @property {number} fileCount
 * @property {readonly string[]} files names in its top folder
 */

/**
 * @typedef {object} Report
 * @property {number} links symbolic links, not followed
 * @property {number} innerManifests package.json files inside packages
 * @property {(path: string, problem: string) => void} problem
 */

/**
 * @param {string} nodeModules
 * @param {Report} report
 * @param {(done: number, total: number) => void} [onTop] told as the entries of the top folder are done
 * @returns {AsyncGenerator<FoundFolder, void, undefined>}
 */
export async function* findPackages(nodeModules, report, onTop) {
  const entries = await entriesOf(nodeModules, report)
  for (const [at, entry] of entries.entries()) {
    yield* packagesAt(nodeModules, entry, report)
    onTop?.(at + 1, entries.length)
  }
}

/**
 * @param {string} parent
 * @param {import('node:fs').Dirent} entry
 * @param {Report} report
 * @returns {AsyncGenerator<FoundFolder, void, undefined>}
 */
async function* packagesAt(parent, entry, report) {
  const folder = join(parent, entry.name)
  if (entry.isSymbolicLink()) report.links++
  else if (!entry.isDirectory()) return
  else if (entry.name.startsWith('@')) yield* packagesIn(folder, report, `${entry.name}/`)
  // .bin holds links; .pnpm and its like hold further node_modules folders.
  else if (entry.name.startsWith('.')) yield* nestedPackages((await measure(folder, false, report)).nested, report)
  else yield* onePackage(folder, entry.name, report)
}

/** @param {string} folder a scope @param {Report} report @param {string} scope @returns {AsyncGenerator<FoundFolder, void, undefined>} */
async function* packagesIn(folder, report, scope) {
  for (const entry of await entriesOf(folder, report)) {
    if (entry.isSymbolicLink()) report.links++
    else if (entry.isDirectory()) yield* onePackage(join(folder, entry.name), scope + entry.name, report)
  }
}

/** @param {string} folder @param {string} name @param {Report} report @returns {AsyncGenerator<FoundFolder, void, undefined>} */
async function* onePackage(folder, name, report) {
  const { sizeBytes, fileCount, files, manifests, nested } = await measure(folder, true, report)
  if (files.includes('package.json')) {
    report.innerManifests += manifests - 1
    yield { folder, name, sizeBytes, fileCount, files }
  } else {
    report.innerManifests += manifests
    report.problem(folder, 'no package.json')
  }
  yield* nestedPackages(nested, report)
}

/** @param {readonly string[]} folders @param {Report} report @returns {AsyncGenerator<FoundFolder, void, undefined>} */
async function* nestedPackages(folders, report) {
  for (const folder of folders) yield* findPackages(folder, report)
}

/**
 * Sizes of everything in a folder, nested node_modules folders left out and named.
 * @param {string} top
 * @param {boolean} isPackage its node_modules is at its top; deeper ones are test fixtures, and count as its files
 * @param {Report} report
 */
async function measure(top, isPackage, report) {
  const found = {
    sizeBytes: 0,
    fileCount: 0,
    manifests: 0,
    files: /** @type {string[]} */ ([]),
    nested: /** @type {string[]} */ ([]),
  }
  const waiting = [top]
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const files = []
    const mayNest = folder === top || !isPackage
    for (const entry of await entriesOf(folder, report)) {
      const path = join(folder, entry.name)
      if (entry.isSymbolicLink()) report.links++
      else if (entry.isFile()) files.push(path)
      else if (entry.isDirectory()) (mayNest && entry.name === 'node_modules' ? found.nested : waiting).push(path)
      if (entry.isFile() && entry.name === 'package.json') found.manifests++
      if (entry.isFile() && folder === top) found.files.push(entry.name)
    }
    found.fileCount += files.length
    for (let at = 0; at < files.length; at += STAT_BATCH) {
      const sizes = await Promise.all(files.slice(at, at + STAT_BATCH).map((path) => sizeOf(path, report)))
      for (const size of sizes) found.sizeBytes += size
    }
  }
  return found
}

/** @param {string} path @param {Report} report */
async function sizeOf(path, report) {
  try {
    return (await lstat(path)).size
  } catch (error) {
    report.problem(path, messageOf(error))
    return 0
  }
}

/** @param {string} folder @param {Report} report */
async function entriesOf(folder, report) {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    report.problem(folder, messageOf(error))
    return []
  }
}

/** @param {unknown} error */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error)
}
