import { open, restore, verify } from 'blazedb'

const encryption = { password: process.env.DB_PASSWORD ?? 'correct horse battery staple' }
const db = await open('./private.blaze', { encryption })
await db.collection('notes').upsert({ id: 1, text: 'nobody can read this on the disk' })

// While writing goes on: a full copy the first time, later only what was committed since.
await db.backup('./backups', { as: 'archive' })

// Every checksum, every index entry against its record, every word of the texts.
const { ok, problems } = await db.verify()
console.log(ok, problems)
console.log((await db.health()).status)
await db.close()

// Whole, or `until` a commit or a time.
const to = `./restored-${Date.now()}.blaze`
await restore({ from: './backups', to })
console.log((await verify(to, { open: { encryption } })).ok)
