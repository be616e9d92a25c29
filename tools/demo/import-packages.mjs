/** Brings the packages under a node_modules folder into the database, one durable transaction a package. */
import { relative } from 'node:path'
import { isBlazeError } from 'blazedb'
import { findPackages, messageOf } from './find-packages.mjs'
import { readPackage } from './read-package.mjs'

/** Transactions that wait for the device at a time: they share its writes, and no more than these are in memory. */
const IN_FLIGHT = 16
/** Problems that are told one by one. */
const PROBLEMS_KEPT = 8

/** Refusals that are one package's own fault. */
const REFUSALS = /** @type {const} */ (['SCHEMA', 'INVALID_VALUE', 'INVALID_ARGUMENT', 'TOO_LARGE'])

/** @typedef {import('./read-package.mjs').PackageRecord} PackageRecord */
/** @typedef {import('./read-package.mjs').DependencyRecord} DependencyRecord */

/**
 * Shown on the screen, and run for each package.
 * @param {import('./collections.mjs').Db} db
 * @param {PackageRecord} record
 * @param {DependencyRecord[]} dependencies
 */
export async function importPackage(db, record, dependencies) {
  await db.transaction((tx) => {
    tx.packages.insert(record)
    tx.dependencies.insertMany(dependencies)
  })
}

/**
 * @param {import('./collections.mjs').Db} db
 * @param {string} project the folder that node_modules is in
 * @param {string} nodeModules
 * @param {(share: number, text: string) => void} onProgress
 */
export async function importPackages(db, project, nodeModules, onProgress) {
  const problems = problemList(project)
  const report = { links: 0, innerManifests: 0, problem: problems.add }
  const done = { packages: 0, dependencies: 0, sizeBytes: 0 }
  const pending = /** @type {Set<Promise<void>>} */ (new Set())
  /** @type {unknown} */
  let failure
  let share = 0

  /** @param {import('./find-packages.mjs').FoundFolder} found */
  const take = async (found) => {
    try {
      const read = await readPackage(project, found, report)
      if (read === undefined) return
      await importPackage(db, read.record, read.dependencies)
      done.packages++
      done.dependencies += read.dependencies.length
      done.sizeBytes += found.sizeBytes
    } catch (error) {
      if (REFUSALS.some((code) => isBlazeError(error, code))) problems.add(found.folder, messageOf(error))
      else failure ??= error
    }
  }

  for await (const found of findPackages(nodeModules, report, (at, total) => (share = at / total))) {
    onProgress(share, found.name)
    if (pending.size >= IN_FLIGHT) await Promise.race(pending)
    if (failure !== undefined) break
    const work = take(found).finally(() => pending.delete(work))
    pending.add(work)
  }
  await Promise.all(pending)
  if (failure !== undefined) throw failure
  return { ...done, ...report, problems: problems.first, problemCount: problems.count() }
}

/** The first problems, and how many there were in all. @param {string} project */
function problemList(project) {
  const first = /** @type {string[]} */ ([])
  let count = 0
  return {
    first,
    count: () => count,
    /** @param {string} path @param {string} problem */
    add(path, problem) {
      count++
      if (first.length < PROBLEMS_KEPT) first.push(`${relative(project, path)}: ${problem.replaceAll(project, '.')}`)
    },
  }
}
