import { collection, open } from 'blazedb'

const bugs = collection({ indexes: ['status', ['status', 'priority']] })
const db = await open('./bugs.blaze', { collections: { bugs } })

const bug = await db.bugs.insert({ title: 'Login broken', status: 'open', priority: 5 }) // on the disk when it resolves
await db.bugs.update(bug.id, (b) => ({ priority: b.priority + 1 })) // sees the newest state: no update is lost

const urgent = db.bugs.where({ status: 'open', priority: { gte: 4 } }).orderBy('priority', 'desc')
for (const { title, priority } of urgent.all()) console.log(priority, title) // reads are synchronous

await db.close()
