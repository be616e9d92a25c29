/**
 * Backups, restores, verification and repair of encrypted databases: copies are ciphertext under the same keys, restoring
 * needs none, judging needs them.
 */
import { expect, it } from 'vitest'
import { restoreDatabase } from '../../src/engine/backup/restore.ts'
import { openDatabase } from '../../src/engine/open-database.ts'
import { repairDatabase } from '../../src/engine/repair/repair.ts'
import { createFile } from '../../src/engine/root-file.ts'
import { verifyFolder } from '../../src/engine/verify/verify-folder.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { KEY } from '../support/encrypted.ts'
import { bytesOf, damaged, filesIn, usedSize } from '../torture/damage-subject.ts'
import { canonical, checked, contentOf } from '../torture/history.ts'
import { FOLDER, freshMachine, OPTIONS, openAt } from '../torture/machine.ts'

const encryption = { key: KEY }
const MARKER = 'a text that nobody may find'

/** An encrypted database with a full backup in an archive, an increment, and its states by commit number. */
async function archived(): Promise<{ platform: MemoryPlatform; states: Map<number, string>; first: number }> {
  const { platform } = freshMachine(5, 'encrypted')
  const db = await openAt(platform)
  const states = new Map<number, string>()
  const note = () => states.set(db.commitNumber, canonical(contentOf(db)))
  await db.createIndex('a', 'n')
  for (let i = 0; i < 20; i++) await db.collection('a').upsert({ id: i % 7, n: i % 3, text: `${MARKER} ${i}` })
  note()
  await db.backup('/archive', { as: 'archive' })
  const first = db.commitNumber
  for (let i = 0; i < 10; i++) {
    await db.collection('a').upsert({ id: i, n: i, text: `${MARKER} later ${i}` })
    note()
  }
  await db.backup('/archive', { as: 'archive' })
  await db.backup('/folder')
  await db.close()
  return { platform, states, first }
}

it('a backup is ciphertext, is restored without a key, and is opened with that of the database, at any commit', async () => {
  const { platform, states, first } = await archived()
  for (const [path, bytes] of platform.snapshotDurable()) {
    expect(Buffer.from(bytes).includes(MARKER), path).toBe(false)
  }
  for (const [until, state] of states) {
    const to = `/restored-${until}`
    await restoreDatabase(platform, { from: '/archive', to, until })
    await expect(openDatabase(platform, to, OPTIONS)).rejects.toMatchObject({ code: 'PASSWORD_REQUIRED' })
    await expect(
      openDatabase(platform, to, { ...OPTIONS, encryption: { key: new Uint8Array(32).fill(1) } }),
    ).rejects.toMatchObject({ code: 'WRONG_PASSWORD' })
    const db = await openDatabase(platform, to, { ...OPTIONS, encryption })
    expect(db.commitNumber).toBe(until)
    expect(canonical(contentOf(db))).toBe(state)
    checked(db)
    await db.collection('a').insert({ id: 'after', n: 1 })
    await db.close()
    expect(await verifyFolder(platform, to, { open: { encryption } })).toMatchObject({ ok: true, problems: [] })
  }
  expect(states.size).toBeGreaterThan(5)
  expect(first).toBeGreaterThan(0)
  const copy = await openDatabase(platform, '/folder', { ...OPTIONS, encryption })
  expect(canonical(contentOf(copy))).toBe([...states.values()].at(-1))
  await copy.close()
})

it('a folder is verified with its key only, and what was changed is found', async () => {
  const { platform } = await archived()
  await expect(verifyFolder(platform, FOLDER)).rejects.toMatchObject({ code: 'PASSWORD_REQUIRED' })
  await expect(
    verifyFolder(platform, FOLDER, { open: { encryption: { key: new Uint8Array(32) } } }),
  ).rejects.toMatchObject({ code: 'WRONG_PASSWORD' })
  expect(await verifyFolder(platform, FOLDER, { open: { encryption } })).toMatchObject({ ok: true })
  for (const path of [...filesIn(platform, 'log'), ...filesIn(platform, 'pages'), `${FOLDER}/root`]) {
    const at = Math.floor(usedSize(bytesOf(platform, path)) / 2)
    const changed = damaged(platform, path, (bytes) => {
      bytes[at] = bytes[at]! ^ 4
      return bytes
    })
    const found = await verifyFolder(changed, FOLDER, { open: { encryption } })
    expect(found.ok, path).toBe(false)
    expect(
      found.problems.some(({ file }) => file?.endsWith(path.slice(FOLDER.length + 1))),
      path,
    ).toBe(true)
  }
})

it('a damaged log is repaired with the key to a committed prefix; without root too, without identity not', async () => {
  const { platform, states } = await archived()
  const [log] = filesIn(platform, 'log')
  const size = usedSize(bytesOf(platform, log!))
  let repaired = 0
  for (let at = 600; at < size; at += Math.floor(size / 12)) {
    const broken = damaged(platform, log!, (bytes) => {
      bytes[at] = bytes[at]! ^ 1
      return bytes
    })
    await expect(repairDatabase(broken, FOLDER)).rejects.toMatchObject({ code: 'PASSWORD_REQUIRED' })
    const report = await repairDatabase(broken, FOLDER, { open: { ...OPTIONS, encryption } })
    expect(report).toMatchObject({ needed: true, problems: [], path: `${FOLDER}.repaired` })
    const db = await openDatabase(broken, report.path!, { ...OPTIONS, encryption })
    expect(db.commitNumber).toBe(report.kept.commitNumber)
    if (states.has(db.commitNumber)) expect(canonical(contentOf(db))).toBe(states.get(db.commitNumber))
    checked(db)
    await db.close()
    repaired++
  }
  expect(repaired).toBeGreaterThan(8)
  const rootless = platform.crash({ mode: 'keep-all', seed: 1 })
  rootless.files.unlinkSync(`${FOLDER}/root`)
  await expect(openAt(rootless)).rejects.toMatchObject({ code: 'TAMPERED' })
  const remade = await repairDatabase(rootless, FOLDER, { open: { ...OPTIONS, encryption } })
  expect(remade).toMatchObject({ needed: true, remade: ['root'], damage: undefined })
  const db = await openDatabase(rootless, `${FOLDER}.repaired`, { ...OPTIONS, encryption })
  expect(canonical(contentOf(db))).toBe([...states.values()].at(-1))
  await db.close()
  const keyless = platform.crash({ mode: 'keep-all', seed: 1 })
  for (const name of ['identity', 'identity.copy']) keyless.files.unlinkSync(`${FOLDER}/${name}`)
  await expect(repairDatabase(keyless, FOLDER, { open: { ...OPTIONS, encryption } })).rejects.toMatchObject({
    code: 'CORRUPT',
  })
  expect(keyless.files.existsSync(`${FOLDER}.repaired`)).toBe(false)
})

it('a backup has one identity in both files, whatever becomes of those of the database', async () => {
  const { platform } = freshMachine(6, 'encrypted')
  const db = await openAt(platform)
  await db.collection('a').insert({ id: 1, text: MARKER })
  const { files } = platform
  const { openSync } = files
  const rekeyed: Promise<void>[] = []
  // The moment between the copies of the two.
  files.openSync = (path, mode) => {
    if (path === '/raced/identity.copy') rekeyed.push(db.rekey({ key: new Uint8Array(32).fill(9) }))
    return openSync.call(files, path, mode)
  }
  await db.backup('/raced')
  expect(rekeyed).toHaveLength(1)
  await rekeyed[0]
  await db.rekey(encryption)
  expect(bytesOf(platform, '/raced/identity')).toEqual(bytesOf(platform, '/raced/identity.copy'))
  const raced = await openDatabase(platform, '/raced', { ...OPTIONS, encryption })
  expect(raced.collection('a').get(1)).toEqual({ id: 1, text: MARKER })
  await raced.close()

  createFile(files, `${FOLDER}/identity`, new Uint8Array(512))
  await db.backup('/mended')
  expect(bytesOf(platform, '/mended/identity')).toEqual(bytesOf(platform, `${FOLDER}/identity.copy`))
  files.unlinkSync(`${FOLDER}/identity`)
  files.unlinkSync(`${FOLDER}/identity.copy`)
  await expect(db.backup('/none')).rejects.toMatchObject({ code: 'CORRUPT' })
  expect(files.existsSync('/none')).toBe(false)
  await db.close()
})
