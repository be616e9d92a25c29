/** Backup, restore, verification and repair by the package's door, on a real file system. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { open, openMemory, repair, restore, verify } from '../../../src/entry/index.ts'
import { checked } from '../../torture/history.ts'

const folder = mkdtempSync(join(tmpdir(), 'blazedb-backup-'))
const at = (name: string): string => join(folder, name)

afterAll(() => rmSync(folder, { recursive: true }))

it('a database is backed up, restored, verified and repaired', async () => {
  const db = await open(at('db'))
  const notes = db.collection('notes')
  await notes.insertMany(Array.from({ length: 200 }, (_, id) => ({ id, text: `note ${id}`, n: id % 7 })))
  await db.createIndex('notes', 'n')
  const full = await db.backup(at('monday'))
  await notes.update(1, { text: 'changed' })
  await db.backup(at('tuesday.blazebackup'), { since: full.position })
  for (let hour = 0; hour < 3; hour++) {
    await notes.update(2, { text: `hour ${hour}` })
    await db.backup(at('archive'), { as: 'archive' })
  }
  expect(readdirSync(at('archive'))).toEqual([
    '000001-full.blazebackup',
    '000002-increment.blazebackup',
    '000003-increment.blazebackup',
  ])
  expect(statSync(join(at('archive'), '000003-increment.blazebackup')).size).toBeLessThan(4096)
  const { commitNumber } = db
  expect(await db.verify()).toMatchObject({ ok: true, checked: { records: expect.any(Number) } })
  await db.close()

  const monday = await open(at('monday'))
  expect(monday.collection('notes').get(1)).toMatchObject({ text: 'note 1' })
  expect(monday.collection('notes').where({ n: 3 }).count()).toBe(29)
  checked(monday)
  await monday.close()

  const restored = await restore({ from: at('archive'), to: at('hour-1'), until: commitNumber - 1 })
  expect(restored).toMatchObject({ path: at('hour-1'), used: [expect.any(String), expect.any(String)] })
  const hour1 = await open(at('hour-1'))
  expect(hour1.collection('notes').get(2)).toMatchObject({ text: 'hour 1' })
  expect(hour1.commitNumber).toBe(commitNumber - 1)
  await hour1.close()
  expect(await verify(at('hour-1'))).toMatchObject({ ok: true })

  const segment = readdirSync(at('db/log')).at(-1)!
  const bytes = readFileSync(join(at('db/log'), segment))
  const place = bytes.lastIndexOf('hour 2')
  bytes[place] = 0x48
  writeFileSync(join(at('db/log'), segment), bytes)
  expect(await verify(at('db'))).toMatchObject({ ok: false, problems: [{ kind: 'log' }, { kind: 'open' }] })
  const report = await repair(at('db'))
  expect(report).toMatchObject({ path: at('db.repaired'), kept: { commitNumber: commitNumber - 1 }, exact: true })
  const repaired = await open(at('db.repaired'))
  expect(repaired.collection('notes').get(2)).toMatchObject({ text: 'hour 1' })
  checked(repaired)
  await repaired.close()
})

it('a database in memory is backed up to the disk', async () => {
  const db = await openMemory()
  await db.collection('a').insert({ id: 1 })
  await db.backup(at('from-memory'))
  await db.close()
  const saved = await open(at('from-memory'))
  expect(saved.collection('a').all()).toEqual([{ id: 1 }])
  checked(saved)
  await saved.close()
})
