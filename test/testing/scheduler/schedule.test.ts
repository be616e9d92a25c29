import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Scheduler, schedule } from '../../../src/testing/scheduler/schedule.ts'
import { ScheduleError } from '../../../src/testing/scheduler/schedule-error.ts'
import { ScheduledClock } from '../../../src/testing/scheduler/scheduled-clock.ts'
import { openScheduled } from '../../../src/testing/scheduler/scheduled-database.ts'
import { closeChecked } from '../../engine/fixture.ts'
import { effort } from '../../support/effort.ts'
import { seed } from '../../support/seed.ts'

/** Three tasks of three steps; gives the order in which they were done. */
async function order(s: Scheduler): Promise<string> {
  const done: string[] = []
  await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      s.task(name, async (task) => {
        for (let i = 1; i <= 3; i++) {
          done.push(`${name}${i}`)
          await task.step()
        }
      }),
    ),
  )
  return done.join(' ')
}

describe('a schedule', () => {
  it('of no choices runs one task after another', async () => {
    expect((await schedule([], order)).value).toBe('a1 a2 a3 b1 b2 b3 c1 c2 c3')
  })

  it('switches where its choices say so', async () => {
    expect((await schedule([0, 1, 1, 1], order)).value).toBe('a1 b1 a2 b2 b3 a3 c1 c2 c3')
  })

  it('is the same for one seed each time, and differs between seeds', async () => {
    const first = await schedule(seed(), order)
    expect(await schedule(seed(), order)).toEqual(first)
    const seeds = await Promise.all(Array.from({ length: 20 }, (_, i) => schedule(i, order)))
    expect(new Set(seeds.map(({ value }) => value)).size).toBeGreaterThan(15)
  })

  it('of a seed is repeated by the choices that it made', async () => {
    const bySeed = await schedule(seed(), order)
    expect(await schedule(bySeed.choices, order)).toEqual(bySeed)
  })

  it('reaches every interleaving', async () => {
    const seen = new Set<string>()
    for (let n = 0; n < 400; n++) seen.add((await schedule(n, twoTasks)).value)
    expect([...seen].sort()).toEqual(['aabb', 'abab', 'abba', 'baab', 'baba', 'bbaa'])
  })

  it('gives what its body gives, with a trace of who went on', async () => {
    const { value, trace } = await schedule([], async (s) => {
      await s.step('alone')
      return s.task('a', async (task) => {
        await task.step('read x')
        return 7
      })
    })
    expect({ value, trace }).toEqual({ value: 7, trace: ['main: alone', 'a: begins', 'a: read x'] })
  })

  it('goes on until the tasks that nobody waits for have ended, too', async () => {
    const done: string[] = []
    await schedule([], (s) => {
      void s.task('a', async (task) => {
        await task.step()
        done.push('a')
      })
    })
    expect(done).toEqual(['a'])
  })

  it('rejects with what its body throws, the same object, and gives up the rest', async () => {
    const error = new Error('mine')
    let rest: Promise<unknown> | undefined
    const failed = schedule(1, async (s) => {
      rest = s.task('other', async (task) => {
        for (;;) await task.step()
      })
      await s.step()
      throw error
    })
    await expect(failed).rejects.toBe(error)
    await expect(rest).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('shrinks to the one switch that matters', async () => {
    const property = fc.asyncProperty(fc.array(fc.nat(9), { maxLength: 40 }), async (choices) => {
      const { value } = await schedule(choices, lostUpdate)
      return value === 2
    })
    const result = await fc.check(property, { seed: seed(), numRuns: 200 })
    expect(result.failed).toBe(true)
    const [smallest = []] = result.counterexample ?? []
    expect(smallest.filter((choice) => choice > 0).length).toBeLessThanOrEqual(2)
    expect(smallest.length).toBeLessThanOrEqual(4)
  })
})

async function twoTasks(s: Scheduler): Promise<string> {
  let done = ''
  const twice = (name: string) =>
    s.task(name, async (task) => {
      done += name
      await task.step()
      done += name
    })
  await Promise.all([twice('a'), twice('b')])
  return done
}

/** Two tasks that add one to a counter without care. */
async function lostUpdate(s: Scheduler): Promise<number> {
  let counter = 0
  const add = (name: string) =>
    s.task(name, async (task) => {
      const seen = counter
      await task.step()
      counter = seen + 1
    })
  await Promise.all([add('a'), add('b')])
  return counter
}

describe('a schedule that cannot end', () => {
  it('is stuck when two tasks wait for each other, and says where', async () => {
    const stuck = schedule(3, async (s) => {
      const [a, b] = [gate(), gate()]
      await Promise.all([
        s.task('left', async (task) => {
          await task.step('takes a')
          await b.opened
          a.open()
        }),
        s.task('right', async (task) => {
          await task.step('takes b')
          await a.opened
          b.open()
        }),
      ])
    })
    await expect(stuck).rejects.toThrow(ScheduleError)
    await expect(stuck).rejects.toMatchObject({
      kind: 'stuck',
      waiting: ['left (since takes a)', 'right (since takes b)'],
      message: expect.stringContaining('nothing can go on'),
    })
  })

  it('is endless when its steps have no end, and when only its timers go on', async () => {
    const steps = schedule(1, (s) => s.task('loop', forEver), { maxSteps: 500 })
    await expect(steps).rejects.toMatchObject({ kind: 'endless', waiting: [expect.stringContaining('loop')] })
    const timers = schedule(1, async (s) => {
      const again = (): void => void s.clock.after(10, again)
      again()
      await new Promise(() => undefined)
    })
    await expect(timers).rejects.toMatchObject({ kind: 'endless', message: expect.stringContaining('timers') })
  })

  it('waits for foreign work before it says so', async () => {
    const { value } = await schedule([], async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return 'came'
    })
    expect(value).toBe('came')
  })
})

async function forEver(task: { step(): Promise<void> }): Promise<void> {
  for (;;) await task.step()
}

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

describe('the clock of a schedule', () => {
  it('moves to the next timer when nobody else can go on, in the order of time', async () => {
    const { value } = await schedule([], async (s) => {
      const came: string[] = []
      const start = s.clock.now()
      s.clock.after(50, () => came.push('50'))
      s.clock.after(20, () => came.push('20'))
      s.clock.after(10, () => came.push('never'))()
      await s.task('a', async (task) => {
        await task.step()
        came.push('step')
        await s.clock.wait(60)
      })
      return [...came, s.clock.now() - start]
    })
    expect(value).toEqual(['step', '20', '50', 60])
  })

  it('belongs to one schedule at a time', async () => {
    const clock = new ScheduledClock()
    await schedule(
      [],
      async () => {
        await expect(schedule([], order, { clock })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      },
      { clock },
    )
    expect((await schedule([], order, { clock })).choices.length).toBeGreaterThan(0)
  })

  it('goes on by itself between schedules', async () => {
    const clock = new ScheduledClock()
    let ran = false
    await schedule(
      [],
      () =>
        void clock.after(1, () => {
          ran = true
        }),
      { clock },
    )
    await clock.wait(30)
    expect(ran).toBe(true)
  })
})

describe('what is no schedule is refused', () => {
  it.each([[-1], [1.5], [[1, -2]], ['seed']])('%j', async (source) => {
    // A cast: what is given is wrong on purpose.
    await expect(schedule(source as number, order)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
  it('and an option that there is not', async () => {
    await expect(schedule(1, order, { steps: 5 } as object)).rejects.toThrow(/no option 'steps'/)
  })
})

describe('a database under a schedule', () => {
  const increments = async (s: Scheduler): Promise<unknown> => {
    const db = await s.openMemory()
    await db.collection('c').insert({ id: 1, n: 0 })
    let attempts = 0
    const add = (name: string) =>
      s.task(name, (task) =>
        db.transaction(async (tx) => {
          attempts++
          const c = task.wrap(tx).collection('c')
          const record = await c.get(1)
          await c.update(1, { n: Number(record!['n']) + 1 })
        }),
      )
    await Promise.all([add('a'), add('b'), add('c')])
    const result = { n: db.collection('c').get(1)!['n'], attempts, commits: db.stats().commits }
    await closeChecked(db)
    return result
  }

  it('interleaves the same way for one seed: the same attempts, the same trace', async () => {
    const first = await schedule(seed(), increments)
    const second = await schedule(seed(), increments)
    expect(second).toEqual(first)
    expect(first.value).toMatchObject({ n: 3 })
  })

  it('never loses an increment, whatever the schedule; some of them have conflicts', async () => {
    const attempts = new Set<number>()
    for (let n = 0; n < effort(30); n++) {
      // The shape that `increments` gives.
      const value = (await schedule(seed() + n, increments)).value as { n: number; attempts: number }
      expect(value.n).toBe(3)
      attempts.add(value.attempts)
    }
    expect(attempts.size).toBeGreaterThan(1)
  })

  it('of no choices runs transactions one after another: no conflict', async () => {
    expect((await schedule([], increments)).value).toMatchObject({ n: 3, attempts: 3 })
  })

  it('can stand for many schedules one after another', async () => {
    const clock = new ScheduledClock()
    const db = await openScheduled(clock)
    for (let n = 0; n < 5; n++) {
      await schedule(
        n,
        (s) => Promise.all([1, 2].map((id) => s.task(`t${id}`, () => db.collection('c').insert({ id: n * 2 + id })))),
        { clock },
      )
    }
    expect(db.collection('c').count()).toBe(10)
    await closeChecked(db)
  })

  it('a timeout of a transaction comes when nothing else is left, without a wait', async () => {
    const began = performance.now()
    await schedule([], async (s) => {
      const db = await s.openMemory()
      const late = db.transaction(() => new Promise(() => undefined), { timeoutMs: 3_600_000 })
      await expect(late).rejects.toMatchObject({ code: 'TRANSACTION_TIMEOUT' })
      await db.close()
    })
    expect(performance.now() - began).toBeLessThan(60_000)
  })
})

describe('a wrapped handle', () => {
  it('keeps its private members, its properties and its errors', async () => {
    await schedule([], async (s) => {
      const db = await s.openMemory()
      const wrapped = s.wrap(db)
      expect(wrapped.path).toBe(db.path)
      expect(await wrapped.collections()).toEqual([])
      await wrapped.collection('c').insert({ id: 1 })
      expect(await wrapped.collection('c').get(1)).toEqual({ id: 1 })
      expect((await wrapped.collection('c').where({ id: 1 })).all()).toEqual([{ id: 1 }])
      await expect(wrapped.collection('c').insert({ id: 1 })).rejects.toMatchObject({ code: 'DUPLICATE_ID' })
      await db.close()
    })
  })
})
