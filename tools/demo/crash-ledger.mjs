/**
 * The ledger that the killed process writes: each transfer is two entries in one transaction, one amount taken and the
 * same amount given. So whatever survives a crash, an entry without its other half would be half a transaction.
 */
import { collection } from 'blazedb'
import * as z from 'zod'

export const entries = collection({
  schema: z.object({ id: z.string(), transfer: z.int(), amount: z.int() }),
  indexes: ['transfer'],
})

/** @typedef {import('blazedb').DatabaseWith<{ entries: typeof entries }>} Ledger */

/** Amounts that a damaged record would hardly show by chance. @param {number} transfer */
export const amountOf = (transfer) => ((transfer * 2_654_435_761) % 1_000_003) + 1

/** @param {Ledger} db @param {number} transfer */
export async function writeTransfer(db, transfer) {
  await db.transaction((tx) => {
    tx.entries.insert({ id: `${transfer}:from`, transfer, amount: -amountOf(transfer) })
    tx.entries.insert({ id: `${transfer}:to`, transfer, amount: amountOf(transfer) })
  })
}

/**
 * What is wrong with a ledger that was recovered: transfers acknowledged and not there, and halves of transfers.
 * @param {Ledger} db
 * @param {ReadonlySet<number>} acknowledged
 */
export async function auditLedger(db, acknowledged) {
  let lost = 0
  for (const transfer of acknowledged) {
    const taken = db.entries.get(`${transfer}:from`)?.amount
    const given = db.entries.get(`${transfer}:to`)?.amount
    if (taken !== -amountOf(transfer) || given !== amountOf(transfer)) lost++
  }
  let [half, unacknowledged] = [0, 0]
  for await (const { transfer, id } of db.entries.query()) {
    const other = id.endsWith(':from') ? `${transfer}:to` : `${transfer}:from`
    if (!db.entries.has(other)) half++
    else if (id.endsWith(':from') && !acknowledged.has(transfer)) unacknowledged++
  }
  return { lost, half, unacknowledged }
}
