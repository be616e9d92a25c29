import { describe, expect, test } from 'vitest'
import type { Lsn } from '../../src/base/ids.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { segmentStart } from '../../src/wal/segment.ts'
import { type Survey, type SurveyConfig, surveyLog } from '../../src/wal/survey.ts'
import { VARIANTS, type Variant } from '../support/encrypted.ts'
import { encryptedSealsOf, plainSealsOf } from '../support/seals.ts'
import { commit, FILE_ID, FOLDER, newPlatform, openLog, sealsOn } from './log-fixture.ts'

/** Walks the log as `repair` does: how many frames are proven, how many lie behind, and the survey. */
function survey(
  platform: MemoryPlatform,
  change: Partial<SurveyConfig> = {},
): Survey & { readonly kept: number; readonly behind: number } {
  const given = { tailSegment: undefined, promised: [], ...change }
  const walk = surveyLog({ platform, folder: FOLDER, fileId: FILE_ID, seals: sealsOn(platform), ...given })
  let [kept, behind] = [0, 0]
  for (let step = walk.next(); ; step = walk.next()) {
    if (step.done) return { ...step.value, kept, behind }
    if (step.value.kept) kept++
    else behind++
  }
}

/** A log of three segments and a prepared one behind them. */
async function filled(variant: Variant): Promise<MemoryPlatform> {
  const platform = newPlatform({}, variant)
  const { log } = openLog(platform)
  for (let number = 0; number < 110; number++) {
    commit(log, number, 60_000)
    if (number % 5 === 0) await log.flush()
  }
  await log.close({ truncate: false })
  return platform
}

function edit(platform: MemoryPlatform, path: string, at: number, change: (byte: number) => number): void {
  const handle = platform.files.openSync(path, 'write')
  const byte = new Uint8Array(1)
  handle.readSync(byte, 0, 1, at)
  byte[0] = change(byte[0]!)
  handle.writeSync(byte, 0, 1, at)
  handle.closeSync()
}

/** A segment that never began. */
function zeros(platform: MemoryPlatform, id: number): void {
  const handle = platform.files.openSync(`${FOLDER}/${id}`, 'write')
  handle.writeSync(new Uint8Array(0x100000), 0, 0x100000, 0)
  handle.closeSync()
}

describe.each(VARIANTS)('a survey of a log, $variant', ({ variant }) => {
  test('of none finds none, and misses what is promised', () => {
    const platform = newPlatform({}, variant)
    expect(survey(platform)).toMatchObject({ tailSegment: 1, segments: [], damage: undefined, kept: 0 })
    const promised = [segmentStart(3) as Lsn]
    expect(survey(platform, { promised }).damage).toMatchObject({ file: `${FOLDER}/1`, found: 'its end' })
  })

  test('of a whole one proves all of it, and takes files that never began for its end', async () => {
    const platform = await filled(variant)
    const { segments } = survey(platform)
    for (const more of [1, 2]) zeros(platform, segments.length + more)
    const found = survey(platform, { tailSegment: 1 })
    expect(found.damage).toBeUndefined()
    expect(found.segments).toEqual(segments)
    expect(found.segments.length).toBeGreaterThan(1)
    expect([found.behind, found.droppedBytes]).toEqual([0, 0])
  })

  test('names a file that is missing, one without its header, and one of another database', async () => {
    const missing = await filled(variant)
    missing.files.unlinkSync(`${FOLDER}/2`)
    expect(survey(missing).damage).toMatchObject({ file: `${FOLDER}/2`, found: 'no such file' })
    expect(survey(missing, { tailSegment: 2 }).damage).toMatchObject({ file: `${FOLDER}/2` })

    const headless = await filled(variant)
    for (let at = 0; at < 512; at++) edit(headless, `${FOLDER}/2`, at, () => 0)
    const found = survey(headless)
    expect(found.damage).toMatchObject({ file: `${FOLDER}/2`, offset: 0, expected: 'a segment header' })
    expect(found.droppedFiles).toContain(`${FOLDER}/2`)
    expect(found.behind).toBeGreaterThan(0)

    const foreign = await filled(variant)
    const other = FILE_ID.map((byte) => byte + 1)
    const seals = variant === 'encrypted' ? encryptedSealsOf(other) : plainSealsOf(other)
    expect(survey(foreign, { fileId: other, seals }).damage).toMatchObject({ file: `${FOLDER}/1`, offset: 0 })
  })

  test('names the frame that is damaged, and counts those behind it that are sound', async () => {
    const platform = await filled(variant)
    const whole = survey(platform)
    edit(platform, `${FOLDER}/1`, 0x20000, (byte) => byte ^ 1)
    const found = survey(platform)
    expect(found.damage?.file).toBe(`${FOLDER}/1`)
    expect(found.damage!.offset).toBeLessThanOrEqual(0x20000)
    expect(found.kept + found.behind).toBe(whole.kept - 1)
    expect(found.unreadableBytes).toBeGreaterThan(0)
  })

  test('sees that a file which never began lies before one that did', async () => {
    const platform = await filled(variant)
    platform.files.unlinkSync(`${FOLDER}/2`)
    zeros(platform, 2)
    expect(survey(platform).damage?.found).toBe(`none, but ${FOLDER}/3 was begun`)
  })
})
