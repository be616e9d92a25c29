/** The parts of the torture's runner that need no time: its table, its schedule, its sums, its command line. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root, toolModule } from './tool-module.ts'

interface Part {
  readonly name: string
  readonly weight: number
}

interface Options {
  readonly minutes: number
  readonly parts: readonly Part[]
  readonly once: { readonly effort: number; readonly files: readonly string[] } | undefined
}

type Totals = Readonly<Record<string, Readonly<Record<string, number>> | undefined>>

const { PARTS, reportingFiles } = await toolModule<{
  PARTS: readonly Part[]
  reportingFiles: (root: string) => ReadonlyMap<string, readonly string[]>
}>('torture/parts.mjs')
const { addFigures, figuresLine } = await toolModule<{
  addFigures: (totals: Totals, text: string) => Totals
  figuresLine: (part: string, counts: Totals[string]) => string
}>('torture/figures.mjs')
const { anotherRound, nextEffort, ROUND_MS, shares } = await toolModule<{
  anotherRound: (leftMs: number, tookMs: number) => boolean
  nextEffort: (last: { effort: number; tookMs: number; leftMs: number; most?: number }) => number
  ROUND_MS: number
  shares: (parts: readonly Part[], minutes: number) => ReadonlyMap<string, number>
}>('torture/schedule.mjs')
const { optionsOf } = await toolModule<{ optionsOf: (args: readonly string[]) => Options }>('torture/options.mjs')
const { commandOf } = await toolModule<{
  commandOf: (round: { files: readonly string[]; seed: number; effort: number }) => string
}>('torture/round.mjs')
const { readState, writeState } = await toolModule<{
  readState: (file: string) => unknown
  writeState: (file: string, state: unknown) => void
}>('torture/state.mjs')

describe('the parts of the torture', () => {
  test('every part that a test reports to is in the table', () => {
    const names = PARTS.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining([...reportingFiles(root).keys()]))
    expect(new Set(names).size).toBe(names.length)
  })

  test('a test file belongs to the parts that it reports to', () => {
    const files = reportingFiles(root)
    expect(files.get('kills')).toEqual(['test/torture/kill.slow.test.ts'])
    expect(files.get('writes')).toContain('test/torture/writes.test.ts')
  })
})

describe('the schedule of the torture', () => {
  test('the minutes are shared by weight', () => {
    const parts = [
      { name: 'a', weight: 3 },
      { name: 'b', weight: 1 },
    ]
    expect([...shares(parts, 4)]).toEqual([
      ['a', 180_000],
      ['b', 60_000],
    ])
  })

  test('the effort follows what the last round took, until a round takes a minute', () => {
    let effort = 1
    const tookMs = () => 4_000 + effort * 2_000
    for (let round = 0; round < 5; round++) effort = nextEffort({ effort, tookMs: tookMs(), leftMs: 600_000 })
    expect(Math.abs(tookMs() - ROUND_MS)).toBeLessThan(2_000)
  })

  test('the effort is never below that of an ordinary run, nor above what is of use', () => {
    expect(nextEffort({ effort: 1, tookMs: 100_000, leftMs: 10_000 })).toBe(1)
    expect(nextEffort({ effort: 10, tookMs: 5_000, leftMs: 600_000, most: 16 })).toBe(16)
  })

  test('no round is begun that would end far behind its share', () => {
    expect(anotherRound(40_000, 60_000)).toBe(true)
    expect(anotherRound(20_000, 60_000)).toBe(false)
    expect(anotherRound(-1, 1)).toBe(false)
  })
})

describe('the figures of the torture', () => {
  test('what was counted is added up by part and by name, in the order in which it came', () => {
    const lines = (...figures: unknown[]) => figures.map((each) => `${JSON.stringify(each)}\n`).join('')
    const kills = (count: number) => ({ part: 'kills', what: 'SIGKILLs survived', count })
    const first = addFigures({}, lines(kills(12), { part: 'kills', what: 'commits, none lost', count: 3 }))
    const both = addFigures(first, lines(kills(5000), { part: 'codec', what: 'inputs', count: 1 }))
    expect(figuresLine('kills', both['kills'])).toBe('kills: 5,012 SIGKILLs survived, 3 commits, none lost')
    expect(figuresLine('codec', both['codec'])).toBe('codec: 1 inputs')
    expect(figuresLine('soak', both['soak'])).toBe('soak: nothing was counted')
    expect(first['kills']).toEqual({ 'SIGKILLs survived': 12, 'commits, none lost': 3 })
  })

  test('the state of a run comes back from its file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'blazedb-state-'))
    const file = join(folder, 'state.json')
    try {
      expect(readState(file)).toBeUndefined()
      const state = { seed: 7, parts: { kills: { rounds: 2, effort: 3, ranMs: 4 } }, totals: { kills: { a: 1 } } }
      writeState(file, { seed: 1, parts: {}, totals: {} })
      writeState(file, state)
      expect(readState(file)).toEqual(state)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('the command line of the torture', () => {
  test('gives minutes, parts, a seed, and where to go on', () => {
    const given = optionsOf(['--minutes', '20', '--part', 'kills,codec', '--seed', '7', '--resume', '--state', 's'])
    expect(given).toMatchObject({ minutes: 20, seed: 7, resume: true, state: 's', once: undefined })
    expect(given.parts.map(({ name }) => name)).toEqual(['kills', 'codec'])
    expect(optionsOf(['--minutes', '1']).parts).toEqual(PARTS)
  })

  test('an effort and files ask for one run of them', () => {
    expect(optionsOf(['200', 'test/wal']).once).toEqual({ effort: 200, files: ['test/wal'] })
  })

  test('what cannot be read is refused with the usage', () => {
    for (const wrong of [['--part', 'no'], ['--minutes', '0'], ['--seed', '-1'], ['--seed', 'x'], ['--what'], ['x']]) {
      expect(() => optionsOf(wrong), wrong.join(' ')).toThrow(/Usage/)
    }
    const run = spawnSync(process.execPath, [join(root, 'tools/torture/torture.mjs'), '--part', 'no'], {
      encoding: 'utf8',
    })
    expect([run.status, run.stderr]).toEqual([2, expect.stringContaining("There is no part 'no'")])
  })

  test('resuming what was never begun is refused', () => {
    const folder = mkdtempSync(join(tmpdir(), 'blazedb-state-'))
    try {
      const args = ['--resume', '--state', join(folder, 'none'), '--part', 'kills']
      const run = spawnSync(process.execPath, [join(root, 'tools/torture/torture.mjs'), ...args], { encoding: 'utf8' })
      expect([run.status, run.stderr]).toEqual([2, expect.stringContaining('nothing to resume')])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('a failed round is repeated by one line', () => {
    expect(commandOf({ files: ['test/a.test.ts', 'test/b.test.ts'], seed: 12, effort: 3 })).toMatch(
      /^BLAZEDB_SEED=12 BLAZEDB_EFFORT=3 npx vitest run .*test\/a\.test\.ts test\/b\.test\.ts$/,
    )
  })
})
