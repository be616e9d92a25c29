/**
 * The steps that read. Each `run` is shown by its own source and then run: once for the first time, and again until
 * its usual time is known.
 */
/** @typedef {import('./collections.mjs').Db} Db */

/** @param {Db} db @param {readonly string[]} ids */
export function pointGets(db, ids) {
  let sizeBytes = 0
  for (const id of ids) sizeBytes += db.packages.getOrThrow(id).sizeBytes
  return sizeBytes
}

/** A query: immutable data that reads nothing before `.all()`. @param {Db} db @param {string} license */
export function byLicense(db, license) {
  return db.packages.where({ license }).select('id')
}

/** @param {Db} db */
export function manyFilesAndReadme(db) {
  return db.packages.where({ fileCount: { gte: 100 }, readme: { isNull: false } }).select('id')
}

/** @param {Db} db */
export function largestPackages(db) {
  return db.packages.orderBy('sizeBytes', 'desc').limit(5).select('name', 'version', 'license', 'sizeBytes').all()
}

/** @param {Db} db */
export function mostDependedOn(db) {
  const dependents = new Map()
  for (const { name } of db.dependencies.where({ kind: 'runtime' }).select('name').all()) {
    dependents.set(name, (dependents.get(name) ?? 0) + 1)
  }
  return [...dependents].sort(([, a], [, b]) => b - a).slice(0, 5)
}

/** @param {Db} db @param {string} text */
export function searchReadmes(db, text) {
  return db.packages
    .where({ readme: { contains: text } })
    .orderBy('name')
    .select('name', 'version')
    .all()
}
