import { expect, test } from 'vitest'
import type { Lsn } from '../../src/base/ids.ts'
import type { CheckpointResult } from '../../src/gc/checkpoint.ts'
import { Cleaner, type CleanTarget } from '../../src/gc/clean.ts'
import { Collector, type CollectorHost } from '../../src/gc/collector.ts'
import { firstRoot } from '../../src/gc/root.ts'
import { type ManualClock, manualClock } from '../../src/platform/manual-clock.ts'

const MB = 1024 * 1024
const WRITTEN: CheckpointResult = {
  kind: 'written',
  root: firstRoot(new Uint8Array(32)),
  pagesWritten: 1,
  durationMs: 3,
  warnings: [],
}
const FAILED: CheckpointResult = { kind: 'failed', step: 'pages', error: new Error('no space') }

class Host implements CollectorHost {
  readonly clock: ManualClock = manualClock()
  readonly cleaner: Cleaner
  readonly errors: Error[] = []
  tail = 0
  dirty = 0
  deadPages = 0
  prepares = 0
  toPrune = 0
  trims = 0
  onTrim: () => void = () => undefined
  writable = true
  began = 0
  running = 0
  mostRunning = 0
  /** Ends of the checkpoints that run. */
  readonly ends: ((result: CheckpointResult) => void)[] = []
  pruneError: Error | undefined
  cleanError: Error | undefined
  cleans = 0

  constructor() {
    const target: CleanTarget = {
      copyIfNewest: () => 'dropped',
      copyTombstone: () => 'dropped',
      commitOfTransaction: () => undefined,
      submit: () => undefined,
      heldFrom: () => Number.POSITIVE_INFINITY,
      liveBytes: () => 0,
      deviceBytesPerMs: () => 0,
      canWrite: () => {
        this.cleans++
        if (this.cleanError !== undefined) throw this.cleanError
        return true
      },
    }
    const log = { durable: 0 as Lsn, segments: () => [], readSegment: () => [][Symbol.iterator]() as never }
    this.cleaner = new Cleaner({ clock: this.clock, log, target, retainBytes: 0, logTail: 1 })
  }

  prune(most: number): boolean {
    if (this.pruneError !== undefined) throw this.pruneError
    this.toPrune = Math.max(0, this.toPrune - most)
    return this.toPrune > 0
  }

  checkpoint(): Promise<CheckpointResult> {
    this.began++
    this.running++
    this.mostRunning = Math.max(this.mostRunning, this.running)
    return new Promise((resolve) => {
      this.ends.push((result) => {
        this.running--
        resolve(result)
      })
    })
  }

  end(result: CheckpointResult): void {
    this.ends.shift()!(result)
  }

  tailBytes(): number {
    return this.tail
  }

  dirtyBytes(): number {
    return this.dirty
  }

  prepare(): Promise<void> {
    this.prepares++
    return Promise.resolve()
  }

  deadPageBytes(): number {
    return this.deadPages
  }

  trim(): void {
    this.trims++
    this.onTrim()
  }

  canWrite(): boolean {
    return this.writable
  }

  onError(error: Error): void {
    this.errors.push(error)
  }
}

async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

test('commits wake it once, it prunes in slices until nothing is left, and then it sleeps', () => {
  const host = new Host()
  const collector = new Collector(host)
  host.toPrune = 20_000
  for (let i = 0; i < 100; i++) collector.noteCommit()
  expect(host.clock.pendingTimers).toBe(1)
  host.clock.advance(10)
  expect(host.toPrune).toBe(20_000 - 4096)
  host.clock.advance(100)
  expect(host.toPrune).toBe(0)
  expect(host.trims).toBeGreaterThan(1)
  expect(host.clock.pendingTimers).toBe(0)
})

test('a commit that is noted within a slice sets no second timer', () => {
  const host = new Host()
  const collector = new Collector(host)
  host.toPrune = 20_000
  host.onTrim = () => collector.noteCommit()
  collector.noteCommit()
  host.clock.advance(10)
  expect(host.clock.pendingTimers).toBe(1)
})

test.each([
  ['64 MB of log when little is dirty', 64 * MB - 1, 64 * MB, 1 * MB],
  ['as much log as is dirty', 300 * MB - 1, 300 * MB, 300 * MB],
  ['1 GB of log whatever is dirty', 1024 * MB - 1, 1024 * MB, 5000 * MB],
])('a checkpoint is due at %s', async (_what, below, at, dirty) => {
  const host = new Host()
  const collector = new Collector(host)
  host.dirty = dirty
  host.tail = below
  collector.noteCommit()
  host.clock.advance(20)
  expect(host.began).toBe(0)
  host.tail = at
  collector.noteCommit()
  host.clock.advance(20)
  expect(host.began).toBe(1)
  host.tail = 0
  host.end(WRITTEN)
  await turns()
  expect(collector.stats()).toMatchObject({ checkpoints: 1, failedCheckpoints: 0, lastCheckpointMs: 3 })
})

test('one checkpoint runs at a time, and checkpointNow takes one that began after the call', async () => {
  const host = new Host()
  const collector = new Collector(host)
  const all = [collector.checkpointNow(), collector.checkpointNow(), collector.checkpointNow()]
  for (let i = 0; i < 3; i++) {
    await turns()
    expect(host.running).toBe(1)
    host.end(WRITTEN)
  }
  expect((await Promise.all(all)).map(({ kind }) => kind)).toEqual(['written', 'written', 'written'])
  expect([host.began, host.mostRunning]).toEqual([3, 1])
})

test('a failed checkpoint is told, counted, and tried again by itself after a pause that doubles', async () => {
  const host = new Host()
  const collector = new Collector(host)
  host.tail = 64 * MB
  collector.noteCommit()
  host.clock.advance(10)
  for (const [failures, pauseMs] of [1000, 2000, 4000].entries()) {
    expect(host.began).toBe(failures + 1)
    host.end(FAILED)
    await turns()
    expect(collector.stats().failedCheckpoints).toBe(failures + 1)
    host.clock.advance(pauseMs - 1)
    collector.noteCommit() // commits alone do not bring it back
    expect(host.began).toBe(failures + 1)
    host.clock.advance(1)
  }
  expect(host.errors.map(({ message }) => message)).toEqual(['no space', 'no space', 'no space'])
  host.tail = 0
  host.end(WRITTEN)
  await turns()
  expect(collector.stats().failedCheckpoints).toBe(0)
})

test('cleaning that fails pauses too, and is told once for each attempt', () => {
  const host = new Host()
  const collector = new Collector(host)
  host.cleanError = new Error('disk full')
  collector.noteCommit()
  host.clock.advance(10)
  for (let i = 0; i < 20; i++) {
    collector.noteCommit()
    host.clock.advance(20)
  }
  expect(host.cleans).toBe(1)
  host.cleanError = undefined
  host.clock.advance(1000)
  expect(host.cleans).toBe(2)
  expect(host.errors).toHaveLength(1)
})

test('a checkpoint that a drop has undone is taken again at once, a bounded number of times', async () => {
  const host = new Host()
  const collector = new Collector(host)
  const result = collector.checkpointNow()
  for (let i = 0; i < 4; i++) {
    await turns()
    host.end({ kind: 'superseded' })
  }
  expect(await result).toEqual({ kind: 'superseded' })
  expect([host.began, collector.stats().failedCheckpoints]).toEqual([4, 1])
})

test('what waits for the end of a checkpoint runs then, and at once when none runs', async () => {
  const host = new Host()
  const collector = new Collector(host)
  const order: string[] = []
  collector.afterCheckpoint(() => order.push('at once'))
  const result = collector.checkpointNow()
  collector.afterCheckpoint(() => order.push('after'))
  expect(order).toEqual(['at once'])
  host.end(WRITTEN)
  await result
  expect(order).toEqual(['at once', 'after'])
})

test('an error of a slice is told and nothing is left unhandled', () => {
  const host = new Host()
  const collector = new Collector(host)
  host.pruneError = new Error('broken')
  collector.noteCommit()
  host.clock.advance(10)
  expect(host.errors.map(({ message }) => message)).toEqual(['broken'])
  expect(collector.stats().lastError?.message).toBe('broken')
})

test('what checkpoints need is loaded once, soon after the first commit, and never where nothing is written', () => {
  const host = new Host()
  const collector = new Collector(host)
  collector.noteCommit()
  host.clock.advance(10_000)
  expect(host.prepares).toBe(0)
  for (let i = 0; i < 5; i++) {
    host.tail += 100
    collector.noteCommit()
    host.clock.advance(20)
  }
  expect(host.prepares).toBe(0)
  host.clock.advance(1000)
  expect(host.prepares).toBe(1)
})

const MINUTE = 60_000

test('a tail of a megabyte is checkpointed when it is five minutes old, although nothing is written', async () => {
  const host = new Host()
  const collector = new Collector(host)
  host.tail = MB
  collector.noteCommit()
  host.clock.advance(5 * MINUTE - 1)
  expect(host.began).toBe(0)
  host.clock.advance(10)
  expect(host.began).toBe(1)
  host.tail = 0
  host.end(WRITTEN)
  await turns()
  host.clock.advance(60 * MINUTE)
  expect([host.began, host.clock.pendingTimers]).toEqual([1, 0])
})

test('a tail that grows slowly is checkpointed five minutes after its first commit', () => {
  const host = new Host()
  const collector = new Collector(host)
  for (let second = 0; second < 299; second++) {
    host.tail += MB / 60
    collector.noteCommit()
    host.clock.advance(1000)
  }
  expect(host.began).toBe(0)
  collector.noteCommit()
  host.clock.advance(1100)
  expect(host.began).toBe(1)
})

test('a tail below a megabyte stays, however old it is', () => {
  const host = new Host()
  const collector = new Collector(host)
  host.tail = MB - 1
  collector.noteCommit()
  host.clock.advance(600 * MINUTE)
  expect([host.began, host.clock.pendingTimers]).toEqual([0, 0])
})

test('who waits for a tail to grow old is woken by the next commit at once', () => {
  const host = new Host()
  const collector = new Collector(host)
  host.tail = MB
  collector.noteCommit()
  host.clock.advance(100)
  host.tail = 64 * MB
  collector.noteCommit()
  host.clock.advance(10)
  expect(host.began).toBe(1)
})

test('dead pages are checkpointed away a second after the last checkpoint, and not for ever when that wins nothing', async () => {
  const host = new Host()
  const collector = new Collector(host)
  host.deadPages = 48 * MB
  collector.noteCommit()
  for (const left of [32, 20, 20]) {
    host.clock.advance(1020)
    expect(host.running).toBe(1)
    host.deadPages = left * MB
    host.end(WRITTEN)
    await turns()
    host.clock.advance(900)
    expect(host.running).toBe(0)
  }
  host.clock.advance(60 * MINUTE)
  collector.noteCommit()
  host.clock.advance(60 * MINUTE)
  expect(host.began).toBe(3)
  host.deadPages = 40 * MB
  collector.noteCommit()
  host.clock.advance(20)
  expect(host.began).toBe(4)
})

test('nothing is checkpointed while the log takes nothing', () => {
  const host = new Host()
  const collector = new Collector(host)
  host.tail = 2000 * MB
  host.writable = false
  collector.noteCommit()
  host.clock.advance(100)
  expect(host.began).toBe(0)
})

test('stop waits for the running checkpoint, and nothing runs afterwards', async () => {
  const host = new Host()
  const collector = new Collector(host)
  const running = collector.checkpointNow()
  let stopped = false
  const stop = collector.stop().then(() => {
    stopped = true
  })
  await turns()
  expect(stopped).toBe(false)
  host.end(WRITTEN)
  await running
  await stop
  collector.noteCommit()
  expect(host.clock.pendingTimers).toBe(0)
  expect(host.began).toBe(1)
})
