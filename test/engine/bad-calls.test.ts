/** What is no path, no object of options, no signal: a BlazeError as a rejection, and nothing has been done. */
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Database } from '../../src/engine/database.ts'
import { open, openMemory, repair, restore, verify } from '../../src/entry/index.ts'
import { withDatabase } from './fixture.ts'

const NO_PATHS: readonly unknown[] = [undefined, null, 5, '', {}, new URL('file:///tmp/data'), ['./data']]
const NO_OPTIONS: readonly unknown[] = [null, 5, 'text', true]
const REFUSED = { code: 'INVALID_ARGUMENT', message: expect.stringMatching(/nothing|Nothing/) }
/** Where nothing is, and nothing may be made. */
const nowhere = join(tmpdir(), 'blazedb-nothing-is-made-here')

/** A call as plain JavaScript makes it. */
function untyped(call: unknown): (...given: readonly unknown[]) => Promise<unknown> {
  return call as (...given: readonly unknown[]) => Promise<unknown> // the types refuse what is tried here
}

const OPENERS = { open, verify, repair }

describe.each(Object.entries(OPENERS))('%s()', (_, call) => {
  it.each(NO_PATHS)('refuses %o as a path', async (path) => {
    await expect(untyped(call)(path)).rejects.toMatchObject(REFUSED)
  })

  it.each(NO_OPTIONS)('refuses %o as options', async (options) => {
    await expect(untyped(call)(nowhere, options)).rejects.toMatchObject(REFUSED)
    expect(existsSync(nowhere)).toBe(false)
  })
})

it.each(NO_OPTIONS)('openMemory() refuses %o as options', async (options) => {
  await expect(untyped(openMemory)(options)).rejects.toMatchObject(REFUSED)
})

it.each(NO_OPTIONS)('restore() refuses %o as options', async (options) => {
  await expect(untyped(restore)(options)).rejects.toMatchObject(REFUSED)
})

it.each(NO_PATHS)('restore() refuses %o as a place', async (path) => {
  await expect(untyped(restore)({ from: nowhere, to: path })).rejects.toMatchObject(REFUSED)
})

const CALLS: Readonly<Record<string, (db: Database<unknown>, options: unknown) => Promise<unknown>>> = {
  backup: (db, options) => untyped(db.backup.bind(db))(nowhere, options),
  dump: (db, options) => untyped(db.dump.bind(db))(nowhere, options),
  load: (db, options) => untyped(db.load.bind(db))(nowhere, options),
  verify: (db, options) => untyped(db.verify.bind(db))(options),
  compact: (db, options) => untyped(db.compact.bind(db))(options),
}

describe.each(Object.entries(CALLS))('db.%s()', (_, call) => {
  it.each([...NO_OPTIONS, { signal: {} }, { signal: 'stop' }, { onProgress: 5 }])('refuses %o', async (options) => {
    await withDatabase(async (db) => {
      await expect(call(db, options)).rejects.toMatchObject(REFUSED)
      expect(existsSync(nowhere)).toBe(false)
    })
  })
})
