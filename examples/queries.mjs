import { collection, openMemory } from 'blazedb'

const bugs = collection({ indexes: ['status'], search: { title: 3, body: 1 } })
const users = collection()
const db = await openMemory({ collections: { bugs, users } })
await db.users.insertMany([
  { id: 'ada', team: 'core' },
  { id: 'bob', team: 'web' },
])
await db.bugs.insertMany([
  { id: 1, title: 'Login broken', body: 'It hangs', status: 'open', votes: 7, ownerId: 'ada' },
  { id: 2, title: 'Slow start', body: 'The login page too', status: 'open', votes: 2, ownerId: 'bob' },
  { id: 3, title: 'Typo', status: 'closed', votes: 9, ownerId: 'ada' },
])

const owned = db.bugs.join('owner', db.users, { ownerId: 'id' })
console.log(
  owned
    .groupBy('owner.team', { bugs: { count: true }, votes: { sum: 'votes' } })
    .orderBy('votes')
    .all(),
)
console.log(
  db.bugs
    .search('logn~ -typo')
    .where({ status: 'open' })
    .all()
    .map(({ title }) => title),
)
console.log(
  owned
    .window({ place: { rank: true, partitionBy: 'status', orderBy: [['votes', 'desc']] } })
    .where({ place: 1 })
    .select('title', 'owner.team')
    .all(),
)
await db.close()
