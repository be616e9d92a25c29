/** What of collections compiles and what does not: checked by the type checker over test/, not run. */
import * as z from 'zod'
import type { Collection } from '../../src/engine/collection.ts'
import { collection } from '../../src/engine/collection-spec.ts'
import type { Database } from '../../src/engine/database.ts'
import { unset } from '../../src/engine/writes.ts'
import { openMemory } from '../../src/entry/index.ts'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function isTrue<T extends true>(): T | undefined {
  return undefined
}

interface User {
  id: number
  mail: string
  age?: number
}

const bugs = collection({
  schema: z.object({
    title: z.string(),
    status: z.enum(['open', 'closed']).default('open'),
    priority: z.number().optional(),
  }),
  indexes: ['status', { on: ['status', 'priority'], name: 'both' }],
})
const users = collection<User>({ indexes: [{ on: 'mail', unique: true }] })
const loose = collection()

export async function inserts(): Promise<void> {
  const db = await openMemory({ collections: { bugs, users, loose } })

  // The id is optional on insert and always there in what comes back; defaults too.
  const bug = await db.bugs.insert({ title: 'a' })
  isTrue<Same<typeof bug.id, string>>()
  isTrue<Same<typeof bug.status, 'open' | 'closed'>>()
  isTrue<Same<typeof bug.priority, number | undefined>>()
  await db.bugs.insert({ id: 'own', title: 'a', status: 'closed', priority: 1 })
  const user = await db.users.insert({ mail: 'x' })
  isTrue<Same<typeof user, User>>()
  await db.users.insertMany([{ mail: 'x' }, { id: 2, mail: 'y', age: 3 }])
  await db.loose.insert({ anything: [1, { goes: true }] })
  await db.collection('other').insert({})

  // @ts-expect-error a field is missing
  await db.bugs.insert({ status: 'open' })
  // @ts-expect-error a value of another type
  await db.bugs.insert({ title: 1 })
  // @ts-expect-error a value that is not of the enumeration
  await db.bugs.insert({ title: 'a', status: 'opened' })
  // @ts-expect-error a field that does not exist
  await db.bugs.insert({ title: 'a', nope: 1 })
  // @ts-expect-error an id of another type
  await db.users.insert({ id: 'one', mail: 'x' })
  // @ts-expect-error a collection that is not declared is no property
  await db.other.insert({})
}

export async function reads(): Promise<void> {
  const db = await openMemory({ collections: { bugs, users, loose } })
  const bug = db.bugs.get('x')
  const shown: { title: string; status: 'open' | 'closed'; priority?: number | undefined; id: string } | undefined = bug
  const user: User = db.users.getOrThrow(1)
  const rows: User[] = db.users.where({ age: { gte: 18 } }).all()
  const many: (User | undefined)[] = db.users.getMany([1, 2])
  db.loose.where({ whatever: 1 }).first()
  for await (const each of db.users) isTrue<Same<typeof each, User>>()
  void [shown, user, rows, many]

  // @ts-expect-error an id of another type
  db.users.get('1')
  // @ts-expect-error a field that does not exist
  db.bugs.where({ nope: 1 })
  // @ts-expect-error a value of another type
  db.users.where({ age: 'old' })
  // @ts-expect-error a record that may be missing
  const sure: User = db.users.get(1)
  void sure
}

export async function patches(): Promise<void> {
  const db = await openMemory({ collections: { bugs, users } })
  await db.users.update(1, { age: 3 })
  await db.users.update(1, { age: unset, mail: undefined })
  await db.users.update(1, (each) => ({ age: (each.age ?? 0) + 1 }))
  await db.users.updateMany({ mail: { startsWith: 'a' } }, { age: 1 })
  await db.bugs.upsert({ title: 'x' }, { on: 'both', durability: 'relaxed' })

  // @ts-expect-error a field that does not exist
  await db.users.update(1, { nope: 1 })
  // @ts-expect-error a value of another type
  await db.users.update(1, { age: 'old' })
  // @ts-expect-error a function that returns nothing
  await db.users.update(1, () => undefined)
  // @ts-expect-error a function that returns a promise
  await db.users.update(1, async () => ({ age: 1 }))
  await db.users.update(1, (each) => {
    // @ts-expect-error the record that a function gets cannot be changed
    each.age = 1
    return {}
  })
  // @ts-expect-error a durability that there is not
  await db.users.delete(1, { durability: 'sure' })
}

export async function transactions(): Promise<void> {
  const db = await openMemory({ collections: { bugs, users } })
  const title = await db.transaction(async (tx) => {
    const user: User = tx.users.insert({ mail: 'x' })
    const found: User | undefined = tx.users.get(user.id)
    void found
    tx.collection('loose').insert({ any: 1 })
    // @ts-expect-error a field that does not exist
    tx.users.update(1, { nope: 1 })
    // @ts-expect-error an insert inside is a value: there is nothing to catch
    tx.users.insert({ mail: 'y' }).catch
    return tx.bugs.insert({ title: 'x' }).title
  })
  isTrue<Same<typeof title, string>>()
  const count = db.read((snapshot) => snapshot.users.count())
  isTrue<Same<typeof count, number>>()
  using snapshot = db.snapshot()
  const seen: User | undefined = snapshot.users.first()
  void seen
  // @ts-expect-error a snapshot has no writes
  snapshot.users.insert({ mail: 'x' })
  // @ts-expect-error an isolation that there is not
  db.begin({ isolation: 'read-committed' })
}

export async function names(): Promise<void> {
  // @ts-expect-error a name that is a member of the database
  await openMemory({ collections: { transaction: users } })
  // @ts-expect-error a name that is a member of a transaction
  await openMemory({ collections: { bugs, savepoint: users } })
  const db = await openMemory({ collections: { bugs, users } })
  isTrue<Same<(typeof db)['users'], Collection<User, Omit<User, 'id'> & { id?: number | undefined }>>>()
  const plain: Database<never> | Database<unknown> = await openMemory()
  void plain
}
