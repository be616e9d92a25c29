import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type CollectionSpec, collection, type DynamicInsert } from '../../../src/engine/collection-spec.ts'
import { Database } from '../../../src/engine/database.ts'
import type { StandardSchema } from '../../../src/engine/schema.ts'
import { unset } from '../../../src/engine/writes.ts'
import type { DynamicRecord } from '../../../src/query/types.ts'
import { closeChecked, freshPlatform, openOn } from '../fixture.ts'

/** "Opening with a schema": validators, versions, migrations, what code without a schema may do. */

const VALIDATORS: readonly (readonly [string, StandardSchema, boolean])[] = [
  ['zod', z.object({ id: z.string(), title: z.string(), n: z.number().default(0) }) as StandardSchema, false],
  ['valibot', v.object({ id: v.string(), title: v.string(), n: v.optional(v.number(), 0) }) as StandardSchema, false],
  ['arktype', type({ id: 'string', title: 'string', n: 'number = 0' }) as unknown as StandardSchema, true],
]

describe.each(VALIDATORS)('a schema of %s', (_, schema, keepsUnknown) => {
  const collections = { bugs: collection({ schema }) as CollectionSpec<DynamicRecord, DynamicInsert> }

  it('fills defaults, refuses with issues, and decides on unknown fields of an insert', async () => {
    const db = await openOn(freshPlatform(), { collections })
    const stored = await db.bugs.insert({ id: 'a', title: 'x', unknown: 1 })
    expect(stored).toEqual({ id: 'a', title: 'x', n: 0, ...(keepsUnknown ? { unknown: 1 } : {}) })
    await expect(db.bugs.insert({ id: 'b', title: 5 })).rejects.toMatchObject({
      code: 'SCHEMA',
      details: { issues: [{ path: 'bugs.title' }] },
    })
    await expect(db.bugs.update('a', { n: 'many' })).rejects.toMatchObject({ code: 'SCHEMA' })
    await expect(db.bugs.update('a', { title: unset })).rejects.toMatchObject({ code: 'SCHEMA' })
    await expect(db.transaction((tx) => tx.bugs.insert({ title: 1 }))).rejects.toMatchObject({ code: 'SCHEMA' })
    expect(db.bugs.all()).toEqual([stored])
    await closeChecked(db)
  })

  it('keeps, on update, stored fields that it does not know and the patch does not name', async () => {
    const platform = freshPlatform()
    const newer = await openOn(platform, { collections: { bugs: collection() } })
    await newer.bugs.insert({ id: 'a', title: 'x', n: 1, later: { deep: true }, more: 1 })
    await closeChecked(newer)
    const older = await openOn(platform, { collections })
    expect(await older.bugs.update('a', { n: 2 })).toEqual({
      id: 'a',
      title: 'x',
      n: 2,
      later: { deep: true },
      more: 1,
    })
    expect(await older.bugs.update('a', { n: 3, later: undefined })).toMatchObject({ n: 3, later: { deep: true } })
    expect(await older.bugs.update('a', { more: unset })).toEqual({ id: 'a', title: 'x', n: 3, later: { deep: true } })
    await closeChecked(older)
  })

  it('fills defaults on update for fields that are still missing, and does not validate what is only read', async () => {
    const platform = freshPlatform()
    const before = await openOn(platform)
    await before.collection('bugs').insertMany([{ id: 'a', title: 'x' }, { id: 'b' }])
    await closeChecked(before)
    const db = await openOn(platform, { collections })
    expect(db.bugs.orderBy('id').all()).toEqual([{ id: 'a', title: 'x' }, { id: 'b' }])
    expect(await db.bugs.update('a', { title: 'y' })).toEqual({ id: 'a', title: 'y', n: 0 })
    await closeChecked(db)
  })
})

describe('schemas', () => {
  it('need not name the id: it is the database that makes and keeps it', async () => {
    const db = await openOn(freshPlatform(), {
      collections: { bugs: collection({ schema: z.object({ title: z.string() }) }) },
    })
    const made = await db.bugs.insert({ title: 'a' })
    expect(made.id).toMatch(/^[0-9a-f-]{36}$/)
    await db.bugs.insert({ id: 'own', title: 'b' })
    expect(await db.bugs.replace({ id: 'own', title: 'c' })).toEqual({ id: 'own', title: 'c' })
    expect(await db.bugs.update('own', { title: 'd' })).toEqual({ id: 'own', title: 'd' })
    expect(await db.bugs.upsert({ id: 'own', title: 'e' })).toEqual({ id: 'own', title: 'e' })
    expect(db.bugs.get(made.id)).toEqual(made)
    await closeChecked(db)
  })

  it('see the id that an insert without one is given', async () => {
    const seen: unknown[] = []
    const schema: StandardSchema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) => {
          seen.push(Reflect.get(value as object, 'id'))
          return { value }
        },
      },
    }
    const db = await openOn(freshPlatform(), { collections: { c: collection({ schema }) } })
    const { id } = (await db.c.insert({} as never)) as { id: string }
    expect(seen[0]).toBe(id)
    await closeChecked(db)
  })

  it('must accept their own output unchanged, which the first write after an open proves', async () => {
    const schema = z.object({ id: z.string(), at: z.string().transform((text) => text.length) })
    const db = await openOn(freshPlatform(), { collections: { c: collection({ schema: schema as never }) } })
    await expect(db.c.insert({ id: 'a', at: 'x' } as never)).rejects.toMatchObject({ code: 'SCHEMA_NOT_IDEMPOTENT' })
    expect(db.c.count()).toBe(0)
    await closeChecked(db)
  })

  it('that are asynchronous are refused, and a rejection of theirs ends nothing', async () => {
    const validate = (): Promise<never> => Promise.reject(new Error('never seen'))
    const schema: StandardSchema = { '~standard': { version: 1, vendor: 'test', validate } }
    const db = await openOn(freshPlatform(), { collections: { c: collection({ schema }) } })
    await expect(db.c.insert({} as never)).rejects.toMatchObject({ code: 'SCHEMA_ASYNC' })
    expect(db.c.count()).toBe(0)
    await closeChecked(db)
  })

  it('once declared are required of every writer, but not of readers and tools', async () => {
    const platform = freshPlatform()
    const first = await openOn(platform, { collections: { c: collection({ schema: z.object({ a: z.number() }) }) } })
    await first.c.insert({ id: 'x', a: 1 })
    await closeChecked(first)
    const plain = await openOn(platform)
    for (const write of [
      () => plain.collection('c').insert({}),
      () => plain.collection('c').delete('x'),
      () => plain.createIndex('c', 'a'),
      () => plain.transaction((tx) => tx.collection('c').delete('x')),
    ]) {
      await expect(write()).rejects.toMatchObject({ code: 'SCHEMA_REQUIRED', details: { collection: 'c' } })
    }
    expect(plain.collection('c').all()).toEqual([{ id: 'x', a: 1 }])
    await closeChecked(plain)
    const declared = await openOn(platform, { collections: { c: collection() } })
    await expect(declared.c.insert({})).rejects.toMatchObject({ code: 'SCHEMA_REQUIRED' })
    await closeChecked(declared)
    const tool = await openOn(platform, { collections: { c: collection({ unchecked: true }) } })
    await tool.c.insert({ id: 'y', a: 'anything' })
    expect(tool.c.count()).toBe(2)
    await closeChecked(tool)
  })
})

describe('versions', () => {
  const at = (version: number, migrate: { readonly [n: number]: (old: never) => unknown } = {}) => ({
    collections: { c: collection({ version, migrate: migrate as never }) },
  })

  it('that rise run each step once, in order, in one commit; a reopen runs none', async () => {
    const platform = freshPlatform()
    const one = await openOn(platform, at(1))
    await one.c.insertMany(Array.from({ length: 2500 }, (_, i) => ({ id: i, name: `n${i}` })))
    await closeChecked(one)
    const steps = {
      2: ({ id, name }: { id: number; name: string }) => ({ id, title: name }),
      3: (old: { id: number; title: string }) => ({ ...old, length: old.title.length }),
    }
    const three = await openOn(platform, at(3, steps as never))
    expect(three.c.get(1234)).toEqual({ id: 1234, title: 'n1234', length: 5 })
    expect(three.c.where({ length: { exists: true } }).count()).toBe(2500)
    await closeChecked(three)
    const refuse = () => {
      throw new Error('not again')
    }
    const again = await openOn(platform, at(3, { 2: refuse, 3: refuse }))
    expect(again.c.get(1)).toEqual({ id: 1, title: 'n1', length: 2 })
    await closeChecked(again)
  })

  it('validate what a step gives, and change nothing when one fails, naming step and record', async () => {
    const platform = freshPlatform()
    const one = await openOn(platform, at(1))
    await one.c.insertMany([{ id: 'a' }, { id: 'b' }])
    await closeChecked(one)
    const schema = z.object({ id: z.string(), n: z.number() })
    const spec = collection({ schema, version: 2, migrate: { 2: (old) => ({ ...old, n: old.id === 'a' ? 1 : 'x' }) } })
    await expect(openOn(platform, { collections: { c: spec } })).rejects.toMatchObject({
      code: 'MIGRATION',
      details: { collection: 'c', step: 2, id: 'b' },
      cause: { code: 'SCHEMA' },
    })
    const still = await openOn(platform, at(1))
    expect(still.c.orderBy('id').all()).toEqual([{ id: 'a' }, { id: 'b' }])
    await closeChecked(still)
  })

  it('that a step cannot take away from a record its id', async () => {
    const platform = freshPlatform()
    const one = await openOn(platform, at(1))
    await one.c.insert({ id: 'a', n: 1 })
    await closeChecked(one)
    const two = await openOn(platform, at(2, { 2: () => ({ id: 'other', m: 2 }) }))
    expect(two.c.all()).toEqual([{ id: 'a', m: 2 }])
    await closeChecked(two)
  })

  it('above the declared one refuse the open, but for reading', async () => {
    const platform = freshPlatform()
    const two = await openOn(platform, at(2))
    await two.c.insert({ id: 1 })
    await closeChecked(two)
    await expect(openOn(platform, at(1))).rejects.toMatchObject({
      code: 'VERSION_NEWER',
      details: { collection: 'c', stored: 2, declared: 1 },
    })
    const reading = await openOn(platform, { ...at(1), readOnly: true })
    expect(reading.c.all()).toEqual([{ id: 1 }])
    await reading.close()
  })

  it('are whole numbers from 1', async () => {
    for (const version of [0, 1.5, -1, Number.NaN]) {
      await expect(openOn(freshPlatform(), at(version))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
  })

  it('of a migration cut by a crash are either all or none', async () => {
    const platform = freshPlatform()
    const one = await openOn(platform, at(1))
    await one.c.insertMany(Array.from({ length: 200 }, (_, i) => ({ id: i, text: 'x'.repeat(500) })))
    await closeChecked(one)
    const steps = { 2: (old: object) => ({ ...old, done: true }) }
    for (let cut = 1; cut < 40; cut += 3) {
      const forked = platform.crash({ mode: 'keep-all', seed: cut })
      forked.faults.failNth('any', cut, 'crash')
      await openOn(forked, at(2, steps as never)).then(
        (db) => db.close().catch(() => undefined),
        () => undefined,
      )
      const left = forked.crash({ mode: 'torn', seed: cut })
      const db = await openOn(left)
      const done = db.collection('c').where({ done: true }).count()
      expect([0, 200]).toContain(done)
      const { schemaVersion } = Database.coreOf(db).collections.get('c')!.description
      expect(schemaVersion).toBe(done === 200 ? 2 : 1)
      await closeChecked(db)
    }
  })
})

describe('declared collections', () => {
  it('are own getters of the database and its transactions, the same handle each time, and nothing is thenable', async () => {
    const db = await openOn(freshPlatform(), { collections: { bugs: collection() } })
    expect(db.bugs).toBe(db.collection('bugs'))
    expect(Object.keys(db)).toContain('bugs')
    expect(Reflect.get(db, 'then')).toBeUndefined()
    expect(Reflect.get(db, 'other')).toBeUndefined()
    const tx = db.begin()
    expect(tx.bugs).toBe(tx.collection('bugs'))
    tx.rollback()
    await closeChecked(db)
  })

  it('cannot have the name of any member of the database, a transaction or a snapshot', async () => {
    const db = await openOn(freshPlatform())
    const tx = db.begin()
    const names = new Set<string>(['then', 'constructor'])
    for (const each of [db, tx, db.snapshot()]) {
      for (let at: object = each; at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
        for (const name of Object.getOwnPropertyNames(at)) names.add(name)
      }
    }
    tx.rollback()
    await closeChecked(db)
    for (const name of names) {
      const opened = openOn(freshPlatform(), { collections: { [name]: collection() } as never })
      await expect(opened, name).rejects.toMatchObject({ code: 'RESERVED_NAME', details: { name } })
    }
  })

  it('that are not declared are schemaless, empty until their first write, and left alone by other code', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform, { collections: { mine: collection() } })
    expect(db.collection('other').count()).toBe(0)
    expect(db.collections()).toEqual([])
    await db.collection('other').insert({ id: 1 })
    expect(db.collections()).toEqual(['other'])
    await closeChecked(db)
    const again = await openOn(platform, { collections: { third: collection({ indexes: ['a'] }) } })
    expect(again.collection('other').get(1)).toEqual({ id: 1 })
    await closeChecked(again)
  })
})

describe('a query of a field that no record can have', () => {
  const closed: readonly (readonly [string, StandardSchema])[] = [
    ['zod', z.strictObject({ id: z.string(), title: z.string(), at: z.date().optional() }) as StandardSchema],
    ['arktype', type({ '+': 'reject', id: 'string', title: 'string' }) as unknown as StandardSchema],
  ]
  it.each(closed)('is refused where the schema forbids further fields, as JSON Schema says: %s', async (_, schema) => {
    const collections = { bugs: collection({ schema }) as CollectionSpec<DynamicRecord, DynamicInsert> }
    const db = await openOn(freshPlatform(), { collections })
    await db.bugs.insert({ id: 'a', title: 'x' })
    const { bugs } = db
    const asked = [
      () => bugs.where({ 'titel.x': 1 }).all(),
      () => bugs.orderBy('titel').first(),
      () => bugs.select('titel').all(),
      () => bugs.groupBy('titel', { n: { count: true } }).all(),
      () => bugs.where((e) => e.eq('title', 'titel')).count(),
      () => bugs.join('other', bugs.where({ titel: 1 }), { title: 'title' }).all(),
    ]
    for (const ask of asked) expect(ask).toThrow(expect.objectContaining({ code: 'INVALID_QUERY' }))
    expect(bugs.where({ title: 'x', id: 'a' }).orderBy('title').select('id').all()).toEqual([{ id: 'a' }])
    await closeChecked(db)
  })

  it('finds nothing where further fields are let in', async () => {
    const schema = z.object({ id: z.string() }) as StandardSchema
    const collections = { bugs: collection({ schema }) as CollectionSpec<DynamicRecord, DynamicInsert> }
    const db = await openOn(freshPlatform(), { collections })
    await db.bugs.insert({ id: 'a' })
    expect(db.bugs.where({ titel: 1 }).all()).toEqual([])
    await closeChecked(db)
  })
})
