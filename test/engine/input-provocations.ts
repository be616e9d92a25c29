/** Errors of what is given and of the data that is there. */
import { expect } from 'vitest'
import * as z from 'zod'
import { collection } from '../../src/engine/collection-spec.ts'
import { commit } from '../../src/engine/commit.ts'
import { Database } from '../../src/engine/database.ts'
import type { StandardSchema } from '../../src/engine/schema.ts'
import { WriteSet } from '../../src/engine/write-set.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { closeChecked, openOn } from './fixture.ts'
import type { Provocation } from './provocation.ts'

export const INPUT_PROVOCATIONS: readonly Provocation[] = [
  { code: 'INVALID_ARGUMENT', when: 'an option is unknown', reopen: (p) => openOn(p, { bogus: 1 } as object) },
  {
    code: 'INVALID_ARGUMENT',
    when: 'a durability is unknown',
    use: (db) => db.collection('items').insert({ id: 9 }, { durability: 'sure' as 'full' }),
  },
  {
    code: 'INVALID_ARGUMENT',
    when: 'an isolation is unknown',
    use: (db) => db.transaction((tx) => tx.collection('items').insert({ id: 9 }), { isolation: 'chaos' as 'snapshot' }),
  },
  {
    code: 'INVALID_ARGUMENT',
    when: 'a patch function writes to the database',
    use: (db) =>
      db.collection('items').update(1, () => {
        db.transactionSync((tx) => tx.collection('items').update(2, { n: 2, email: 'b' }))
        void db.collection('elsewhere').insert({ id: 1 })
        return { n: 9 }
      }),
  },
  { code: 'INVALID_ARGUMENT', when: 'a name is empty', use: (db) => db.createIndex('', 'n') },
  {
    code: 'INVALID_ARGUMENT',
    when: 'transactionSync is given an asynchronous function',
    use: (db) => db.transactionSync(async (tx) => void tx.collection('items').delete(1)),
  },
  {
    code: 'INVALID_VALUE',
    when: 'a value cannot be stored',
    use: (db) => db.collection('items').insertMany([{ id: 8 }, { id: 9, deep: { list: [1, new Map()] } }]),
  },
  { code: 'INVALID_VALUE', when: 'an id is empty', use: (db) => db.collection('items').insert({ id: '' }) },
  { code: 'INVALID_PATCH', when: 'a patch changes the id', use: (db) => db.collection('items').update(1, { id: 3 }) },
  {
    code: 'SCHEMA',
    when: 'a record does not fit the schema',
    reopen: async (platform) => {
      const db = await openOn(platform, {
        collections: { strict: collection({ schema: z.object({ n: z.number() }) }) },
      })
      try {
        await db.strict.insert({ n: 'one' as unknown as number })
      } finally {
        await closeChecked(db)
      }
    },
  },
  {
    code: 'SCHEMA_ASYNC',
    when: 'the schema gives a promise',
    reopen: (platform) =>
      insertWith(
        platform,
        schemaOf(async (value) => ({ value })),
      ),
  },
  {
    code: 'SCHEMA_NOT_IDEMPOTENT',
    when: 'the schema changes its own output',
    reopen: (platform) =>
      insertWith(
        platform,
        schemaOf((value) => ({ value: { ...(value as object), n: Number(Reflect.get(value as object, 'n')) + 1 } })),
      ),
  },
  {
    code: 'SCHEMA_REQUIRED',
    when: 'code without the schema writes',
    reopen: async (platform) => {
      const first = await openOn(platform, { collections: { kept: collection({ schema: z.object({}) }) } })
      await first.kept.insert({ id: 'x' } as never)
      await closeChecked(first)
      const db = await openOn(platform)
      try {
        await db.collection('kept').insert({ id: 'y' })
      } finally {
        expect(db.collection('kept').all()).toEqual([{ id: 'x' }])
        await closeChecked(db)
      }
    },
  },
  {
    code: 'RESERVED_NAME',
    when: 'a collection is named like a member of the database',
    reopen: (platform) => openOn(platform, { collections: { transaction: collection() } as never }),
  },
  {
    code: 'TOO_LARGE',
    when: 'a record is larger than maxRecordBytes',
    use: (db) => db.collection('items').insert({ id: 9, text: 'x'.repeat(200_000) }),
  },
  {
    code: 'TOO_LARGE',
    when: 'an index key is too large',
    use: (db) => db.collection('items').insert({ id: 9, email: 'x'.repeat(5000) }),
  },
  {
    code: 'MEMORY_LIMIT',
    when: 'a batch is larger than memory allows',
    async reopen(platform) {
      const db = await openOn(platform, { memoryBytes: 16 * 1024 * 1024, maxRecordBytes: 1024 * 1024 })
      try {
        const text = 'x'.repeat(1_000_000)
        await db.collection('items').insertMany(Array.from({ length: 20 }, (_, n) => ({ id: 100 + n, text })))
      } finally {
        await closeChecked(db)
      }
    },
  },
  {
    code: 'INVALID_QUERY',
    when: 'a condition is undefined',
    use: (db) => db.collection('items').deleteMany({ n: undefined } as never),
  },
  {
    code: 'CURSOR_MISMATCH',
    when: 'a cursor is of another query',
    use: (db) => {
      const { next } = db.collection('items').orderBy('n').page({ size: 1 })
      return db.collection('items').orderBy('email').page({ size: 1, after: next! })
    },
  },
  {
    code: 'UNSUPPORTED',
    when: 'a vector is to be indexed',
    use: (db) => db.collection('items').insert({ id: 9, email: new Float32Array(2) }),
  },
  {
    code: 'CODEC',
    when: 'a sound frame holds a record that cannot be decoded',
    use: async (db) => {
      const core = Database.coreOf(db)
      const broken = db.collection('broken')
      await broken.insert({ id: 1, a: 1 })
      const writes = new WriteSet()
      writes.put(core.collections.get('broken')!, 1, new Uint8Array(40).fill(255))
      await new Promise((resolve) => commit(core, writes, { durability: 'full', snapshot: undefined }, resolve))
      try {
        broken.get(1)
      } finally {
        await db.dropCollection('broken')
      }
    },
  },
  { code: 'NOT_FOUND', when: 'a record to update is absent', use: (db) => db.collection('items').update(9, { n: 1 }) },
  { code: 'NOT_FOUND', when: 'a record to get is absent', use: (db) => db.collection('items').getOrThrow(9) },
  {
    code: 'DUPLICATE_ID',
    when: 'an id is taken',
    use: (db) => db.collection('items').insertMany([{ id: 9 }, { id: 1 }]),
  },
  {
    code: 'UNIQUE',
    when: 'a unique key is taken',
    use: (db) => db.collection('items').insertMany([{ id: 9 }, { id: 8, email: 'a' }]),
  },
]

function schemaOf(validate: StandardSchema['~standard']['validate']): StandardSchema {
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

async function insertWith(platform: MemoryPlatform, schema: StandardSchema): Promise<void> {
  const db = await openOn(platform, { collections: { strict: collection({ schema }) } })
  try {
    await db.strict.insert({ id: 'x', n: 1 } as never)
  } finally {
    expect(db.strict.count()).toBe(0)
    await closeChecked(db)
  }
}
