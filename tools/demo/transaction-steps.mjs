/** The steps about transactions and snapshots; each function is shown by its own source. */
/** @typedef {import('./collections.mjs').Db} Db */
/** @typedef {import('./collections.mjs').Package} Package */

/** @param {Db} db @param {string} license @param {Package} late */
export async function countAndReport(db, license, late) {
  let attempts = 0
  await db.transaction(async (tx) => {
    attempts++
    const count = tx.packages.where({ license }).count()
    // Somebody else, outside this transaction, commits a record that the count above would have seen.
    if (attempts === 1) await db.packages.insert(late)
    tx.collection('reports').upsert({ id: license, count })
  })
  return attempts
}

/** @param {Db} db @param {number} rounds */
export async function giveStars(db, rounds) {
  for (let round = 1; round <= rounds; round++) await db.packages.updateMany({}, { stars: round })
}

/** @param {Db} db @param {number} rounds */
export async function lookWhileWriting(db, rounds) {
  const snapshot = db.snapshot()
  const before = snapshot.packages.where({ stars: 0 }).count()
  let [writing, looks, changes] = [true, 0, 0]
  const writer = giveStars(db, rounds).finally(() => (writing = false))
  while (writing) {
    await new Promise(setImmediate)
    looks++
    if (snapshot.packages.where({ stars: 0 }).count() !== before) changes++
  }
  await writer
  const held = db.stats().versions
  snapshot.close()
  return { before, looks, changes, held }
}
