/** Errors of transactions, of the machine, and of the database as a whole. */
import { expect } from 'vitest'
import { setU32 } from '../../src/base/binary.ts'
import { crc32 } from '../../src/base/checksum.ts'
import { restoreDatabase } from '../../src/engine/backup/restore.ts'
import { collection } from '../../src/engine/collection-spec.ts'
import { Database } from '../../src/engine/database.ts'
import { openDatabase } from '../../src/engine/open-database.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { KEY, platformFor } from '../support/encrypted.ts'
import { closeChecked, FOLDER, freshPlatform, openOn } from './fixture.ts'
import type { Provocation } from './provocation.ts'

export const DATABASE_PROVOCATIONS: readonly Provocation[] = [
  {
    code: 'CONFLICT',
    when: 'another commit came first',
    use: async (db) => {
      using tx = db.begin()
      tx.collection('items').update(1, { n: 100 })
      await db.collection('items').update(1, { n: 5 })
      await db.collection('items').update(1, { n: 1 })
      await tx.commit()
    },
  },
  {
    code: 'TRANSACTION_CLOSED',
    when: 'a transaction is used after its end',
    use: (db) => {
      const tx = db.begin()
      tx.rollback()
      tx.collection('items').delete(1)
    },
  },
  {
    code: 'TRANSACTION_TIMEOUT',
    when: 'an attempt takes too long',
    use: (db) =>
      db.transaction(
        (tx) => {
          tx.collection('items').delete(1)
          return new Promise<void>(() => undefined)
        },
        { timeoutMs: 1 },
      ),
  },
  {
    code: 'ABORTED',
    when: 'the signal says so',
    use: (db) => {
      const stop = new AbortController()
      return db.transaction(
        (tx) => {
          tx.collection('items').delete(1)
          stop.abort(new Error('enough'))
          return new Promise<void>(() => undefined)
        },
        { signal: stop.signal },
      )
    },
  },
  {
    code: 'READ_ONLY',
    when: 'a database opened read-only is written',
    reopen: async (platform) => {
      const db = await openOn(platform, { readOnly: true })
      try {
        await db.collection('items').delete(1)
      } finally {
        await db.close()
      }
    },
  },
  {
    code: 'HISTORY_GONE',
    when: 'a commit is asked for that nobody holds',
    use: (db) => db.asOf(0),
  },
  {
    code: 'SNAPSHOT_TOO_OLD',
    when: 'the engine has ended a snapshot',
    use: (db) => {
      using snapshot = db.snapshot()
      for (const hold of Database.coreOf(db).snapshots.holds()) hold.ended = true
      return snapshot.collection('items').get(1)
    },
  },
  {
    code: 'COMMIT_UNKNOWN',
    when: 'a write of the log fails',
    unknown: true,
    use: (db, platform) => {
      breakLog(platform)
      return db.collection('items').insert({ id: 9 })
    },
  },
  {
    code: 'POISONED',
    when: 'a write of the log has failed before',
    unknown: true,
    use: async (db, platform) => {
      breakLog(platform)
      await expect(db.collection('items').insert({ id: 9 })).rejects.toThrow(/not known/)
      platform.faults.clear()
      expect(db.collection('items').all()).toHaveLength(2)
      await db.collection('items').delete(1)
    },
  },
  { code: 'LOCKED', when: 'the database is open already', use: (_, platform) => openOn(platform) },
  {
    code: 'NOT_A_DATABASE',
    when: 'a folder without database is opened read-only',
    reopen: () => openOn(freshPlatform(), { readOnly: true }),
  },
  {
    code: 'NOT_A_BACKUP',
    when: 'a database is restored from its own folder',
    use: (_, platform) => restoreDatabase(platform, { from: FOLDER, to: '/restored' }),
  },
  {
    code: 'BACKUP_CHAIN',
    when: 'an increment is to continue the backup of another database',
    use: (db) => db.backup('/b', { since: { database: '00'.repeat(16), lsn: 0, chain: 0, commitNumber: 0 } }),
  },
  {
    code: 'FORMAT_NEWER',
    when: 'the files are of a later version',
    reopen: (platform) => {
      rewriteIdentity(platform, (bytes) => {
        setU32(bytes, 8, 99)
        setU32(bytes, 508, crc32(bytes, 0, 508))
      })
      return openOn(platform)
    },
    undo: (platform) =>
      rewriteIdentity(platform, (bytes) => {
        setU32(bytes, 8, 0)
        setU32(bytes, 508, crc32(bytes, 0, 508))
      }),
  },
  {
    code: 'VERSION_NEWER',
    when: 'the records are of a later version of the schema',
    reopen: async (platform) => {
      const db = await openOn(platform, { collections: { kept: collection({ version: 2 }) } })
      await db.kept.insert({ id: 1 })
      await closeChecked(db)
      await openOn(platform, { collections: { kept: collection({ version: 1 }) } })
    },
  },
  {
    code: 'MIGRATION',
    when: 'a migration step throws',
    reopen: (platform) =>
      openOn(platform, {
        collections: {
          items: collection({
            version: 2,
            indexes: [{ on: 'email', unique: true }],
            migrate: {
              2: (old) => {
                if (old.id === 2) throw new Error('no way')
                return { ...old, n: -1 }
              },
            },
          }),
        },
      }),
  },
  {
    code: 'CLOSED',
    when: 'a closed database is used',
    reopen: async (platform) => {
      const db = await openOn(platform)
      await closeChecked(db)
      await db.collection('items').delete(1)
    },
  },
  {
    code: 'CLOSE_TIMEOUT',
    when: 'a transaction does not end',
    reopen: async (platform) => {
      const db = await openOn(platform, { closeTimeoutMs: 0 })
      db.begin().collection('items').delete(1)
      await db.close()
    },
  },
  {
    code: 'DISK_FULL',
    when: 'there is no room for the next part of the log',
    use: async (db, platform) => {
      for (const each of ['openSync', 'write', 'writeSync'] as const) {
        platform.faults.failNth(each, 1, 'ENOSPC', { sticky: true, path: '/log/00000002' })
      }
      platform.faults.failNth('openSync', 1, 'ENOSPC', { sticky: true, path: '/log/' })
      const batch = Array.from({ length: 9 }, (_, i) => ({ id: i, text: 'x'.repeat(90_000) }))
      for (let i = 0; i < 100; i++) {
        await db.collection('filler').deleteMany({})
        await db.collection('filler').insertMany(batch)
      }
    },
  },
  {
    code: 'IO',
    when: 'the file system fails while opening',
    reopen: (platform) => {
      platform.faults.failNth('listSync', 1, 'EIO', { sticky: true })
      return openOn(platform)
    },
  },
  {
    code: 'CORRUPT',
    when: 'both copies of the identity are damaged',
    reopen: (platform) => {
      rewriteIdentity(platform, (bytes) => {
        bytes[100] = 1
      })
      return openOn(platform)
    },
    undo: (platform) =>
      rewriteIdentity(platform, (bytes) => {
        bytes[100] = 0
      }),
  },
  {
    code: 'PASSWORD_REQUIRED',
    when: 'a password does not arrive',
    reopen: (platform) => openOn(platform, { encryption: { password: '' } }),
  },
  {
    code: 'PASSWORD_REQUIRED',
    when: 'an encrypted database is opened without one',
    reopen: () => onEncrypted((platform) => openDatabase(platform, FOLDER, {})),
  },
  {
    code: 'WRONG_PASSWORD',
    when: 'an encrypted database is opened with another key',
    reopen: () => onEncrypted((platform) => openOn(platform, { encryption: { key: new Uint8Array(32) } })),
  },
  {
    code: 'NOT_ENCRYPTED',
    when: 'a plain database is opened with a key',
    reopen: (platform) => openOn(platform, { encryption: { key: KEY } }),
  },
  { code: 'NOT_ENCRYPTED', when: 'a plain database is rekeyed', use: (db) => db.rekey({ key: KEY }) },
  {
    code: 'TAMPERED',
    when: 'the root of an encrypted database is another',
    reopen: () =>
      onEncrypted((platform) => {
        const handle = platform.files.openSync(`${FOLDER}/root`, 'write')
        handle.writeSync(Uint8Array.of(1), 0, 1, 100)
        handle.syncSync()
        handle.closeSync()
        return openOn(platform)
      }),
  },
]

/** Runs `use` on the files of an encrypted database, and expects that it leaves them as it finds them. */
async function onEncrypted(use: (platform: MemoryPlatform) => Promise<unknown>): Promise<void> {
  const platform = platformFor('encrypted', freshPlatform())
  const db = await openOn(platform)
  await db.collection('items').insert({ id: 1 })
  await closeChecked(db)
  const trace = platform.faults.trace()
  try {
    await use(platform)
  } finally {
    expect(platform.files.openHandles).toBe(0)
    const writes = trace.filter(({ operation }) => /^(write|rename|unlink|truncate)/.test(operation))
    expect(writes.filter(({ path }) => path !== `${FOLDER}/root`)).toEqual([])
  }
}

function breakLog(platform: MemoryPlatform): void {
  for (const each of ['write', 'writeSync', 'sync', 'syncSync'] as const) {
    platform.faults.failNth(each, 1, 'EIO', { sticky: true, path: '/log/' })
  }
}

function rewriteIdentity(platform: MemoryPlatform, change: (bytes: Uint8Array) => void): void {
  for (const name of ['identity', 'identity.copy']) {
    const handle = platform.files.openSync(`${FOLDER}/${name}`, 'write')
    const bytes = new Uint8Array(512)
    handle.readSync(bytes, 0, 512, 0)
    change(bytes)
    handle.writeSync(bytes, 0, 512, 0)
    handle.syncSync()
    handle.closeSync()
  }
}
