/** A toolkit that takes what it does not understand tests nothing, and the test passes: each of these is refused. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { queryOn } from '../../src/testing/arbitraries/query.ts'
import { whereOf } from '../../src/testing/arbitraries/where.ts'
import { arbitraries } from '../../src/testing/arbitraries.ts'
import { checkDatabase } from '../../src/testing/check-database.ts'
import { clockContract } from '../../src/testing/contracts/clock.ts'
import { faultyPlatform, openOn, withFaults } from '../../src/testing/faulty-platform.ts'
import { checkHistory } from '../../src/testing/isolation/check-history.ts'
import { historySvg } from '../../src/testing/isolation/history-svg.ts'
import { historyText } from '../../src/testing/isolation/history-text.ts'
import { recordDatabase } from '../../src/testing/isolation/record-database.ts'
import { HistoryRecorder } from '../../src/testing/isolation/recorder.ts'
import { modelCommand } from '../../src/testing/model/model-command.ts'
import { plainRecords, recordCommands } from '../../src/testing/model/record-commands.ts'
import { runModel } from '../../src/testing/model/run-model.ts'
import { recordsModel } from '../../src/testing/records-model.ts'
import { schedule } from '../../src/testing/scheduler/schedule.ts'
import { drain, settle } from '../../src/testing/settle.ts'
import { modelStep, shownStep, takeStep } from '../../src/testing/steps.ts'

/** What a caller without types may give. The cast: it is wrong on purpose. */
const wrong = (value: unknown): never => value as never

type Refusal = readonly [what: string, call: () => unknown, text: RegExp]

async function isRefused(call: () => unknown, text: RegExp): Promise<void> {
  await expect((async () => await call())()).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringMatching(text),
  })
}

describe('an arbitrary refuses', () => {
  // The cast: to be called with what they do not take.
  const of = arbitraries as unknown as Record<keyof typeof arbitraries, (...given: unknown[]) => unknown>
  const known = [
    'bytes',
    'history',
    'id',
    'name',
    'record',
    'schedule',
    'text',
    'transaction',
    'value',
    'vector',
  ] as const
  it.each(known)('%s: options that it does not have, and what are no options', async (name) => {
    await isRefused(() => of[name]({ maxLenght: 3 }), /no option 'maxLenght'; it has/)
    await isRefused(() => of[name](null), /options as an object, found null/)
    await isRefused(() => of[name](5), /options as an object, found number/)
  })

  it.each<Refusal>([
    ['text', () => of.text({ maxLength: -1 }), /maxLength is a whole number from 0, found -1/],
    ['bytes', () => of.bytes({ maxLength: 'x' }), /found x/],
    ['id', () => of.id({ count: 0 }), /count is a whole number from 1/],
    ['value', () => of.value({ maxTextLength: 1.5 }), /maxTextLength is a whole number/],
    ['value', () => of.value({ vectors: 'no' }), /vectors is true or false/],
    ['schedule', () => of.schedule({ maxChoice: -1 }), /maxChoice/],
    ['history', () => of.history({ maxSessions: 1 }), /maxSessions is a whole number from 2/],
    ['history', () => of.history({ kinds: ['foo'] }), /kinds is an array of get, find.* found foo/],
    ['transaction', () => of.transaction({ maxSteps: 0 }), /maxSteps is a whole number from 1/],
    ['transaction', () => of.transaction({ kinds: 'get' }), /found get/],
    ['transaction', () => of.transaction({ collections: { a: 5 } }), /a plan of a collection takes/],
    ['transaction', () => of.transaction({ collections: { a: { feilds: {} } } }), /no option 'feilds'/],
    ['transaction', () => of.transaction({ collections: { a: { fields: { n: 5 } } } }), /fields.n is an arbitrary/],
    ['record', () => of.record({ shape: { n: 5 } }), /shape.n is an arbitrary of fast-check, found 5/],
    ['record', () => of.record({ schema: {} }), /schema is a Standard Schema/],
    ['record', () => of.record({ as: 'both' }), /as is input or output/],
    ['record', () => of.record({ shape: { n: fc.nat() }, optional: ['m'] }), /optional names m/],
    ['where', () => of.where({ n: 5 }), /fields.n is an arbitrary/],
    ['where', () => of.where({ n: fc.nat() }, { maxLimit: 3 }), /no option 'maxLimit'/],
    ['query', () => of.query({ n: fc.nat() }, { maxLimit: -1 }), /maxLimit/],
    ['whereOf', () => whereOf(wrong({ und: [] })), /where, and, or, or not/],
    ['whereOf', () => whereOf(wrong(null)), /found null/],
    ['queryOn', () => queryOn(wrong({}), wrong({ order: 'n' })), /found order/],
  ])('%s %#', (_what, call, text) => isRefused(call, text))
})

describe('a machine refuses', () => {
  const platform = faultyPlatform()
  const { faults, clock } = platform
  it.each<Refusal>([
    [
      'a call that no disk has',
      () => faults.failNth(wrong('fsync'), 1, 'EIO'),
      /no call to a disk is named fsync; there are/,
    ],
    ['a call before the first', () => faults.failNth('write', 0, 'EIO'), /counts calls from 1, found 0/],
    ['a number that is text', () => faults.failNth('write', wrong('1'), 'EIO'), /counts calls from 1/],
    [
      'a fault that there is not',
      () => faults.failNth('write', 1, wrong('EFOO')),
      /fails by EIO, ENOSPC, short, crash/,
    ],
    ['an option of a fault', () => faults.failNth('write', 1, 'EIO', wrong({ stiky: true })), /no option 'stiky'/],
    ['a path that is no text', () => faults.failNth('write', 1, 'EIO', wrong({ path: 5 })), /path as text/],
    ['a delay before now', () => faults.slow('write', -1), /from 0 ms/],
    ['a slow call that no disk has', () => faults.slow(wrong('fsync'), 1), /fsync/],
    ['time that runs back', () => clock.advance(-1), /time does not run backwards/],
    ['time that is none', () => clock.elapse(Number.NaN), /found NaN/],
    ['a jump to nowhere', () => clock.jump(wrong('x')), /found x/],
    ['a seed that is none', () => faultyPlatform(wrong({ seed: 'x' })), /seed is a whole number from 0/],
    ['a beginning that is none', () => faultyPlatform({ startMs: Number.NaN }), /startMs is a number/],
    ['a switch that is none', () => faultyPlatform(wrong({ durableWrites: 'no' })), /true or false/],
    ['options that are none', () => faultyPlatform(wrong(null)), /options as an object/],
    ['a crash of no kind', () => platform.crash(wrong({ mode: 'lost' })), /lose-unsynced, torn, keep-all, found lost/],
    ['an option of a crash', () => platform.crash(wrong({ sed: 1 })), /no option 'sed'/],
    ['an open on no machine', () => openOn(wrong(undefined), '/db'), /platform is a machine/],
    ['options of open that are none', () => openOn(platform, '/db', wrong(null)), /options as an object/],
    ['faults over no machine', () => withFaults(wrong({})), /platform is a machine/],
    ['a settle without a promise', () => settle(platform, wrong(5)), /waits for a promise/],
    ['a settle on no machine', () => settle(wrong({}), Promise.resolve()), /the clock of a faultyPlatform/],
    ['an option of drain', () => drain(platform, wrong({ max: 1 })), /no option 'max'/],
    ['a check of no database', () => checkDatabase(wrong({})), /takes an open database/],
    [
      'a contract without a runner',
      () =>
        clockContract(
          wrong({}),
          'x',
          wrong(() => ({})),
        ),
      /runner.describe/,
    ],
  ])('%s', (_what, call, text) => isRefused(call, text))

  it('and a plan that refused is as it was: nothing fails', async () => {
    const fresh = faultyPlatform()
    expect(() => fresh.faults.failNth(wrong('fsync'), 1, 'EIO')).toThrow(/as it was/)
    const db = await openOn(fresh, '/db')
    await db.collection('items').insert({ id: 1 })
    checkDatabase(db)
    await db.close()
  })
})

describe('a schedule refuses', () => {
  it.each<Refusal>([
    ['nothing to run', () => schedule(1, wrong(undefined)), /run is a function/],
    ['a task that is none', () => schedule(1, (s) => s.task('a', wrong(5))), /run is a function, found 5/],
    ['no steps at all', () => schedule(1, () => 1, { maxSteps: 0 }), /maxSteps is a whole number from 1/],
    ['another clock', () => schedule(1, () => 1, wrong({ clock: {} })), /clock is a ScheduledClock/],
    ['a handle that is none', () => schedule(1, (s) => s.wrap(wrong(5))), /wrap\(\) takes an object/],
  ])('%s', (_what, call, text) => isRefused(call, text))
})

describe('a model run refuses', () => {
  const nothing = modelCommand({ args: fc.nat(3), run: () => undefined })
  const options = { ...plainRecords, seed: 1, runs: 1, commands: { nothing } }
  const run = (changed: object): Promise<unknown> => runModel(wrong({ ...options, ...changed }))
  it.each<Refusal>([
    ['no options', () => runModel(wrong(undefined)), /runModel\(\) takes its options/],
    ['no seed', () => run({ seed: undefined }), /seed is a whole number/],
    ['no model', () => run({ model: undefined }), /model is a function/],
    ['no commands', () => run({ commands: undefined }), /commands is an object/],
    ['a command that is none', () => run({ commands: { a: 5 } }), /commands.a is made by modelCommand/],
    ['a name that no script can begin with', () => run({ commands: { 'a b': nothing } }), /no spaces in 'a b'/],
    ['no runs', () => run({ runs: 0 }), /runs is a whole number from 1/],
    ['no commands in a run', () => run({ maxCommands: 0 }), /maxCommands/],
    ['a preparation that is none', () => run({ prepare: 5 }), /prepare is a function/],
    ['a script that is none', () => run({ script: 5 }), /script is text/],
    ['a script that cannot be read', () => run({ script: 'nothing {' }), /is not JSON .*: nothing \{/],
    ['what open refuses', () => run({ options: { memory: 1 } }), /open\(\) has no option 'memory'/],
    ['what the machine refuses', () => run({ machine: { sed: 1 } }), /no option 'sed'/],
    ['arguments that are none', () => modelCommand(wrong({ args: 5, run: () => undefined })), /args is an arbitrary/],
    ['nothing to run', () => modelCommand(wrong({ args: fc.nat() })), /run is a function/],
    ['a weight of nothing', () => modelCommand({ args: fc.nat(), weight: 0, run: () => undefined }), /weight/],
    ['an option of its records', () => recordCommands(wrong({ colection: 'a' })), /no option 'colection'/],
    ['a step of no kind', () => modelStep(recordsModel(), wrong({ do: 'put', collection: 'a' })), /no step does put/],
    ['no step', () => takeStep(wrong({}), wrong(undefined)), /step is an object/],
    ['a step on nothing', () => shownStep(wrong({ do: 'get' })), /names its collection/],
  ])('%s', (_what, call, text) => isRefused(call, text))
})

describe('the isolation checker refuses', () => {
  const history = { transactions: [{ id: 'A', status: 'committed', operations: [] }] } as const
  const of = (changed: object): unknown =>
    checkHistory(wrong({ transactions: [{ ...history.transactions[0], ...changed }] }))
  const log = new HistoryRecorder().begin('a')
  const db = wrong({ transaction: () => undefined, snapshot: () => undefined })
  it.each<Refusal>([
    ['a transaction that is none', () => checkHistory(wrong({ transactions: [null] })), /transactions\[0\] is no/],
    ['a time that is text', () => of({ begin: '5' }), /begin of A is no number/],
    ['an operation that is none', () => of({ operations: [null] }), /A has an operation that is none/],
    ['a row without a key', () => of({ operations: [{ kind: 'rows', where: {}, rows: [{}] }] }), /row whose key/],
    ['values before all that are none', () => checkHistory(wrong({ ...history, initial: [] })), /initial is an object/],
    ['an order that is text', () => checkHistory(wrong({ ...history, versionOrder: { x: 'A' } })), /no array of ids/],
    ['options that are none', () => checkHistory(history, wrong(null)), /options as an object/],
    ['a promise that is none', () => checkHistory(history, wrong({ sessions: 1 })), /sessions is true or false/],
    ['a matcher that is none', () => checkHistory(history, wrong({ matches: 1 })), /matches is a function/],
    ['a text of nothing', () => historyText(wrong(undefined)), /transactions must be an array/],
    ['a picture of nothing', () => historySvg(wrong({})), /transactions must be an array/],
    [
      'an anomaly of another history',
      () => historyText(history, wrong({ transactions: ['Z'] })),
      /Z is not in this one/,
    ],
    ['an anomaly that is none', () => historySvg(history, wrong({})), /one that checkHistory\(\) gave/],
    ['a session that is no text', () => new HistoryRecorder().begin(wrong(5)), /a session is text/],
    ['a read of no key', () => log.read(wrong(undefined), 1), /key is no text/],
    ['rows that are none', () => log.rows({}, wrong(5)), /without an array of rows/],
    ['an end that is none', () => log.end(wrong('done')), /status done; there are committed/],
    ['a run of nothing', () => new HistoryRecorder().run('a', wrong(5)), /body is a function/],
    ['a recording of nothing', () => recordDatabase(wrong(undefined), new HistoryRecorder()), /db is an open database/],
    ['a recording by nothing', () => recordDatabase(db, wrong(undefined)), /recorder is a HistoryRecorder/],
    ['a stamp that is no name', () => recordDatabase(db, new HistoryRecorder(), 'a', wrong({ stamp: 5 })), /stamp/],
  ])('%s', (_what, call, text) => isRefused(call, text))
})
