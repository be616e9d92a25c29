/**
 * A deterministic scheduler: asynchronous tasks that take turns, and a schedule says which is next.
 *
 *   tasks     a ──step──step──────step──end        each `await task.step()` waits until the schedule picks the task
 *             b ────step──────step──end
 *   machine   ──────turn───turn──turn───           later turns of the clock: a write of the log that is done, a slice
 *   schedule  a  b  m  a   m  b  a  m …            one choice wherever more than one could go on
 *
 * Between two choices everything runs that can run without one; then the schedule picks. A schedule is data: whole numbers, each
 * taken modulo the number of those who could go on. Who went on last is the first of them, then the machine, then the tasks
 * in the order in which they began; when the numbers are used up it is always the first. So `[]` runs one task after another, each as
 * far as it comes, smaller numbers are simpler schedules, and fast-check shrinks `fc.array(fc.nat(9))` to the few switches
 * that matter. A seed gives numbers without end.
 *
 * Over `s.openMemory()` everything is decided by the schedule: files, clock and random source are the database's memory twins.
 * Time stands still until nothing else can go on; then it moves to the next timer, at once.
 *
 * What it does not decide: timers, files and sockets that are not of its clock (setTimeout, fetch). They are waited
 * for when nothing else is left, for a bounded number of turns, in an order that is the machine's.
 */
import { BlazeError } from '../../base/errors.ts'
import type { CollectionSpecs } from '../../engine/collection-spec.ts'
import type { DatabaseWith } from '../../engine/database.ts'
import { assertKnown } from '../../engine/known-options.ts'
import type { OpenOptions } from '../../engine/open-options.ts'
import { type SeededRandom, seededRandom } from '../../platform/seeded-random.ts'
import { assertFunction, assertOptions, given, refused } from '../arguments.ts'
import { ScheduleError } from './schedule-error.ts'
import { ScheduledClock } from './scheduled-clock.ts'
import { openScheduled } from './scheduled-database.ts'
import { type Stepped, stepped } from './stepped.ts'

/** One of those that take turns. */
export interface Task {
  readonly name: string
  /** Waits until the schedule goes on with this task. The label is for the trace and for errors. */
  step(label?: string): Promise<void>
  /** The handle with a step before each of its calls, which all become asynchronous. */
  wrap<T extends object>(handle: T): Stepped<T>
}

export interface Scheduler extends Task {
  /** Begins a task. Gives what it gives; the schedule goes on until all tasks have ended. */
  task<V>(name: string, run: (task: Task) => V | Promise<V>): Promise<V>
  /** A database in memory whose every turn is the schedule's. Close it before the schedule ends. */
  openMemory<const C extends CollectionSpecs = Record<never, never>>(options?: OpenOptions<C>): Promise<DatabaseWith<C>>
  readonly clock: ScheduledClock
}

export interface ScheduleOptions {
  /** To go on with databases that were opened with it before (`openScheduled`). */
  readonly clock?: ScheduledClock
  /** Steps and turns after which a schedule counts as endless; 100,000 by default. */
  readonly maxSteps?: number
}

export interface ScheduleRun<V> {
  readonly value: V
  /** What was chosen, wherever there was a choice: given to `schedule()` it repeats the run. */
  readonly choices: readonly number[]
  /** Who went on, and with what: 'a: read x'. */
  readonly trace: readonly string[]
}

const DEFAULT_MAX_STEPS = 100_000
/** Real turns that foreign work is waited for when nobody can go on. */
const MAX_IDLE_TURNS = 50
/** Timers in a row that wake no task: a background that goes on for ever, and nobody else. */
const MAX_IDLE_TIMERS = 2_000

/**
 * Runs asynchronous code so that it interleaves the same way each time: by a seed, or by choices. Rejects with what `run`
 * throws, or with a ScheduleError when everybody waits for what never comes or when it does not end.
 * @example
 * const { value } = await schedule(7, async (s) => {
 *   const db = await s.openMemory()
 *   const add = (name: string) => s.task(name, (task) => db.transaction(async (tx) => { await task.step(); … }))
 *   await Promise.all([add('a'), add('b')])
 *   return db.close()
 * })
 */
export async function schedule<V>(
  source: number | readonly number[],
  run: (scheduler: Scheduler) => V | Promise<V>,
  options: ScheduleOptions = {},
): Promise<ScheduleRun<V>> {
  assertArguments(source, run, options)
  return await new Run(source, options).run(run)
}

function assertArguments(source: number | readonly number[], run: unknown, options: ScheduleOptions): void {
  const numbers = typeof source === 'number' ? [source] : source
  if (!Array.isArray(numbers) || !numbers.every((each) => Number.isSafeInteger(each) && each >= 0)) {
    throw new BlazeError('INVALID_ARGUMENT', 'a schedule is a seed or an array of choices: whole numbers from 0', {
      argument: 'source',
    })
  }
  assertFunction('run', run)
  assertKnown('schedule()', options, ['clock', 'maxSteps'])
  assertOptions(options, { maxSteps: 1, clock: assertClock })
  if (options.clock?.isHeld === true) {
    throw new BlazeError('INVALID_ARGUMENT', 'this clock is under another schedule, which has not ended', {
      argument: 'clock',
    })
  }
}

function assertClock(argument: string, value: unknown): void {
  if (!(value instanceof ScheduledClock)) throw refused(argument, `clock is a ScheduledClock, found ${given(value)}`)
}

/** A task that waits at a step. */
interface Parked {
  readonly task: Member
  readonly label: string
  readonly goOn: () => void
  readonly giveUp: (error: Error) => void
}

class Member implements Task {
  readonly name: string
  /** In the order in which they began. */
  readonly number: number
  readonly #park: (task: Member, label: string) => Promise<void>
  /** The label of the last step. */
  last = 'its beginning'
  constructor(name: string, number: number, park: (task: Member, label: string) => Promise<void>) {
    this.name = name
    this.number = number
    this.#park = park
  }

  step(label = 'step'): Promise<void> {
    return this.#park(this, label)
  }

  wrap<T extends object>(handle: T): Stepped<T> {
    if (typeof handle !== 'object' || handle === null)
      throw refused('handle', `wrap() takes an object, found ${given(handle)}`)
    return stepped(handle, (label) => this.step(label))
  }
}

class Run {
  readonly #clock: ScheduledClock
  readonly #maxSteps: number
  readonly #given: readonly number[] | undefined
  readonly #random: SeededRandom | undefined
  readonly #choices: number[] = []
  readonly #trace: string[] = []
  readonly #parked: Parked[] = []
  readonly #open = new Set<Member>()
  /** Of every task that was begun. */
  readonly #promises: Promise<unknown>[] = []
  #decisions = 0
  #members = 0
  #lastTask: Member | undefined
  #ended = false

  constructor(source: number | readonly number[], options: ScheduleOptions) {
    this.#clock = options.clock ?? new ScheduledClock()
    this.#maxSteps = options.maxSteps ?? DEFAULT_MAX_STEPS
    if (typeof source === 'number') this.#random = seededRandom(source)
    else this.#given = source
  }

  async run<V>(body: (scheduler: Scheduler) => V | Promise<V>): Promise<ScheduleRun<V>> {
    this.#clock.hold()
    try {
      const main = this.#member('main')
      const outcome = this.#begin(main, () => body(this.#scheduler(main)))
      // It is told below; until then it must not end the process.
      let failed = false
      outcome.catch(() => {
        failed = true
      })
      await this.#drive(() => failed)
      return { value: await outcome, choices: this.#choices, trace: this.#trace }
    } finally {
      this.#ended = true
      this.#abandon()
      this.#clock.release()
    }
  }

  #scheduler(main: Member): Scheduler {
    const clock = this.#clock
    return {
      name: main.name,
      step: (label) => main.step(label),
      wrap: (handle) => main.wrap(handle),
      task: (name, run) => {
        assertFunction('run', run)
        const task = this.#member(name)
        const promise = this.#begin(task, async () => {
          await task.step('begins')
          return await run(task)
        })
        this.#promises.push(promise)
        return promise
      },
      openMemory: (options) => openScheduled(clock, options),
      clock,
    }
  }

  #member(name: string): Member {
    const member = new Member(name, this.#members++, (task, label) => this.#park(task, label))
    this.#open.add(member)
    return member
  }

  async #begin<V>(member: Member, run: () => V | Promise<V>): Promise<V> {
    try {
      return await run()
    } finally {
      this.#open.delete(member)
    }
  }

  #park(task: Member, label: string): Promise<void> {
    task.last = label
    if (this.#ended) return Promise.reject(abandoned(task))
    return new Promise((goOn, giveUp) => {
      const before = this.#parked.findLastIndex((each) => each.task.number <= task.number)
      this.#parked.splice(before + 1, 0, { task, label, goOn, giveUp })
    })
  }

  /** Lets one after another go on, until all have ended or the body has failed. */
  async #drive(hasFailed: () => boolean): Promise<void> {
    let idleTurns = 0
    let idleTimers = 0
    for (let steps = 0; ; steps++) {
      await this.#clock.settled()
      if (this.#open.size === 0 || hasFailed()) return
      if (steps >= this.#maxSteps) throw this.#endless(`after ${steps} steps`)
      const parked = this.#parked.length
      if (this.#goOn()) {
        idleTurns = 0
        if (parked > this.#parked.length) idleTimers = 0
      } else if (this.#clock.runTimer()) {
        idleTurns = 0
        if (++idleTimers > MAX_IDLE_TIMERS) throw this.#endless(`with ${idleTimers} timers that woke nobody`)
      } else if (++idleTurns > MAX_IDLE_TURNS) throw this.#stuck()
    }
  }

  /** Picks who goes on; false when nobody can. */
  #goOn(): boolean {
    const candidates = this.#candidates()
    if (candidates.length === 0) return false
    const picked = candidates[candidates.length === 1 ? 0 : this.#choose(candidates.length)]!
    if (picked === MACHINE) {
      this.#trace.push('machine')
      this.#clock.runTurn()
      return true
    }
    this.#parked.splice(this.#parked.indexOf(picked), 1)
    this.#lastTask = picked.task
    this.#trace.push(`${picked.task.name}: ${picked.label}`)
    picked.goOn()
    return true
  }

  /** Who went on last, the machine, the others in their order. */
  #candidates(): (Parked | typeof MACHINE)[] {
    const candidates: (Parked | typeof MACHINE)[] = []
    const last = this.#parked.find(({ task }) => task === this.#lastTask)
    if (last !== undefined) candidates.push(last)
    if (this.#clock.hasTurn) candidates.push(MACHINE)
    for (const each of this.#parked) if (each !== last) candidates.push(each)
    return candidates
  }

  #choose(count: number): number {
    const at = this.#decisions++
    const choice = this.#random?.below(count) ?? (this.#given?.[at] ?? 0) % count
    this.#choices.push(choice)
    return choice
  }

  /** Whoever still waits is told: nobody will go on with it, and that is no failure of its own. */
  #abandon(): void {
    if (this.#open.size > 0) for (const promise of this.#promises) promise.catch(() => undefined)
    for (const { task, giveUp } of this.#parked.splice(0)) giveUp(abandoned(task))
  }

  #stuck(): ScheduleError {
    const waiting = this.#waiting()
    const text = `the schedule is stuck: nothing can go on, and these have not ended: ${waiting.join(', ')}. Either they wait for each other, or for something that the scheduler does not run (setTimeout, files, sockets).`
    return new ScheduleError('stuck', text, waiting, this.#choices)
  }

  #endless(how: string): ScheduleError {
    const waiting = this.#waiting()
    const text = `the schedule does not end: ${how}, these have not ended: ${waiting.join(', ')}. Raise maxSteps if it is only long.`
    return new ScheduleError('endless', text, waiting, this.#choices)
  }

  #waiting(): string[] {
    const tasks = [...this.#open]
    const [main] = tasks
    // The body waits for its tasks; only without any it is of interest itself.
    const shown = tasks.length > 1 && main?.name === 'main' ? tasks.slice(1) : tasks
    return shown.map(({ name, last }) => `${name} (since ${last})`)
  }
}

const MACHINE: unique symbol = Symbol('machine')

function abandoned({ name }: Task): BlazeError<'ABORTED'> {
  return new BlazeError('ABORTED', `the schedule has ended, and does not go on with ${name}`, undefined)
}
