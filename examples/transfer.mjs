import { collection, isBlazeError, open, unset } from 'blazedb'
import * as z from 'zod' // or valibot, arktype, any Standard Schema

const accounts = collection({
  schema: z.object({ id: z.string(), balance: z.int().min(0), note: z.string().optional() }),
  indexes: ['balance'],
})
const db = await open('./bank.blaze', { collections: { accounts } })

await db.accounts.upsertMany([
  { id: 'ada', balance: 100 },
  { id: 'bob', balance: 20, note: 'new here' },
])

// Serializable: run again when what it read was changed by somebody else, all or nothing when it fails.
await db.transaction((tx) => {
  const ada = tx.accounts.getOrThrow('ada')
  tx.accounts.update('ada', { balance: ada.balance - 30 })
  tx.accounts.update('bob', (bob) => ({ balance: bob.balance + 30, note: unset }))
})

// A snapshot stays as it was, whatever is written meanwhile.
const snapshot = db.snapshot()
await db.accounts.update('ada', { balance: 0 })
console.log(snapshot.accounts.get('ada'), db.accounts.get('ada'))
snapshot.close()

// Every error has a code, and says what was kept.
try {
  await db.accounts.update('bob', { balance: -1 })
} catch (error) {
  if (isBlazeError(error, 'SCHEMA')) console.log(error.message)
  else throw error
}

console.log(db.accounts.where({ balance: { between: [1, 100] } }).explain().text)
await db.close()
