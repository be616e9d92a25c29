import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { BlazeError, ERROR_CODES, type ErrorCode } from '../../src/base/errors.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { DATABASE_PROVOCATIONS } from './database-provocations.ts'
import { closeChecked, freshPlatform, openOn } from './fixture.ts'
import { INPUT_PROVOCATIONS } from './input-provocations.ts'
import { type Provocation, START } from './provocation.ts'

/**
 * Every refusal is a BlazeError with a code, advice in its message, and nothing half-written behind it. One table says
 * how each code is met; a code that no row provokes fails the last test.
 */
const TABLE: readonly Provocation[] = [...INPUT_PROVOCATIONS, ...DATABASE_PROVOCATIONS]

const RETRYABLE: readonly ErrorCode[] = ['CONFLICT', 'SNAPSHOT_TOO_OLD', 'LOCKED', 'DISK_FULL']

/** Codes that are named for what is to come. The last test fails as soon as the engine throws one. */
const NOT_THROWN_YET: readonly ErrorCode[] = []

/** What `run` throws or rejects with. */
async function refusal(run: () => unknown): Promise<unknown> {
  try {
    await run()
  } catch (error) {
    return error
  }
  return undefined
}

async function provoke(each: Provocation): Promise<unknown> {
  const platform = freshPlatform()
  const db = await openOn(platform, { maxRecordBytes: 100_000, syncWrites: 'never', closeTimeoutMs: 0 })
  await db.createIndex('items', { on: 'email', unique: true })
  await db.collection('items').insertMany(START)
  if (each.reopen !== undefined) await closeChecked(db)
  const error = await refusal(() => (each.use === undefined ? each.reopen?.(platform) : each.use(db, platform)))
  platform.faults.clear()
  each.undo?.(platform)
  // A database whose log failed says so once more when it is closed, and is closed all the same.
  if (each.use !== undefined) {
    if (each.unknown === true) await expect(db.close()).rejects.toMatchObject({ code: 'POISONED' })
    else await db.close()
  }
  expect(platform.files.openHandles).toBe(0)
  await expectUntouched(platform, each.unknown === true)
  return error
}

/** The database opens again, is sound, and holds what it held. */
async function expectUntouched(platform: MemoryPlatform, unknown: boolean): Promise<void> {
  const db = await openOn(platform)
  const rows = db.collection('items').orderBy('id').all()
  expect(unknown ? rows.filter(({ id }) => id !== 9) : rows).toEqual(START)
  expect(db.stats().collections.find(({ name }) => name === 'items')?.indexes).toEqual(['email'])
  await closeChecked(db)
}

describe('each refusal is an error of its code, with advice, and leaves nothing half-written', () => {
  it.each(TABLE)('$code, when $when', async (each) => {
    const error = await provoke(each)
    expect(error).toBeInstanceOf(BlazeError)
    const { code, message, retryable, name } = error as BlazeError
    expect(code).toBe(each.code)
    expect(retryable).toBe(RETRYABLE.includes(each.code))
    expect(name).toBe(each.code === 'ABORTED' ? 'AbortError' : 'BlazeError')
    // What happened, and then what was kept or what to do.
    expect(message).toMatch(/\S.{8,}(; |\. )\S.{8,}$/)
  })

  it('carries what was thrown as its cause', async () => {
    const of = async (code: ErrorCode) => {
      const error = (await provoke(TABLE.find((each) => each.code === code)!)) as BlazeError
      return error.cause
    }
    expect(await of('ABORTED')).toEqual(new Error('enough'))
    expect(await of('MIGRATION')).toEqual(new Error('no way'))
    expect(await of('POISONED')).toBeInstanceOf(Error)
  })

  it('names places by path: collection, field, position', async () => {
    const error = await provoke(TABLE.find(({ when }) => when === 'a value cannot be stored')!)
    expect((error as BlazeError<'INVALID_VALUE'>).details.path).toBe('items.deep.list[1]')
  })

  it('has a provocation for every code there is', () => {
    const provoked = new Set(TABLE.map(({ code }) => code))
    expect(ERROR_CODES.filter((code) => !provoked.has(code))).toEqual(NOT_THROWN_YET)
    for (const code of NOT_THROWN_YET) expect(sourcesThatName(code)).toEqual(['base/errors.ts'])
  })
})

function sourcesThatName(code: ErrorCode): string[] {
  const folder = new URL('../../src/', import.meta.url)
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && readFileSync(new URL(name, folder), 'utf8').includes(`'${code}'`))
    .map((name) => name.replaceAll('\\', '/'))
}
