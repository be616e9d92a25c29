import { describe, expect, it } from 'vitest'
import { BlazeError } from '../../../src/base/errors.ts'
import type { Isolation } from '../../../src/engine/transaction.ts'
import { checkHistory } from '../../../src/testing/isolation/check-history.ts'
import type { History } from '../../../src/testing/isolation/history.ts'
import { recordDatabase } from '../../../src/testing/isolation/record-database.ts'
import { HistoryRecorder } from '../../../src/testing/isolation/recorder.ts'
import { schedule } from '../../../src/testing/scheduler/schedule.ts'
import { withDatabase } from '../../engine/fixture.ts'
import { effort } from '../../support/effort.ts'
import { seed } from '../../support/seed.ts'

describe('a recorder', () => {
  it('writes down what it is told, in order, with times that count begins and ends', async () => {
    const recorder = new HistoryRecorder()
    recorder.initial('x', 0)
    const value = await recorder.run('a', (log) => {
      log.read('x', 0)
      log.write('x', { n: 1 })
      return log.id
    })
    const log = recorder.begin('b')
    log.append('l', 1)
    log.list('l', [1])
    log.rows({ n: 1 }, [{ key: 'c/1', value: { n: 1 } }], 'c')
    log.end('aborted')
    recorder.begin()
    expect(value).toBe('T1')
    const expected: History = {
      initial: { x: 0 },
      transactions: [
        {
          id: 'T1',
          session: 'a',
          begin: 1,
          end: 2,
          status: 'committed',
          operations: [
            { kind: 'read', key: 'x', value: 0 },
            { kind: 'write', key: 'x', value: { n: 1 } },
          ],
        },
        {
          id: 'T2',
          session: 'b',
          begin: 3,
          end: 4,
          status: 'aborted',
          operations: [
            { kind: 'append', key: 'l', value: 1 },
            { kind: 'list', key: 'l', values: [1] },
            { kind: 'rows', where: { n: 1 }, rows: [{ key: 'c/1', value: { n: 1 } }], from: 'c' },
          ],
        },
        { id: 'T3', begin: 5, status: 'unknown', operations: [] },
      ],
    }
    expect(recorder.history()).toEqual(expected)
    expect(JSON.parse(JSON.stringify(recorder.history()))).toEqual(expected)
  })

  it('copies what it is told: a value that is changed later stays as it was', () => {
    const recorder = new HistoryRecorder()
    const value = { list: [1], when: new Date(5) }
    recorder.begin().write('x', value)
    value.list.push(2)
    value.when.setTime(6)
    expect(recorder.history().transactions[0]!.operations).toEqual([
      { kind: 'write', key: 'x', value: { list: [1], when: new Date(5) } },
    ])
  })

  it('notes nothing of a transaction that has ended', () => {
    const recorder = new HistoryRecorder()
    const log = recorder.begin()
    log.end('committed')
    const closed = expect.objectContaining({ code: 'TRANSACTION_CLOSED' })
    expect(() => log.read('x', 1)).toThrow(closed)
    expect(() => log.end('aborted')).toThrow(closed)
    expect(recorder.history().transactions).toEqual([
      { id: 'T1', begin: 1, end: 2, status: 'committed', operations: [] },
    ])
  })

  it('lets errors go on, and tells those that leave the outcome open from those that roll back', async () => {
    const recorder = new HistoryRecorder()
    const error = new Error('lost the connection')
    const isUnknown = (each: unknown): boolean => each === error
    await expect(recorder.run('a', () => Promise.reject(error), { isUnknown })).rejects.toBe(error)
    await expect(
      recorder.run(
        'a',
        () => {
          throw new Error('no')
        },
        { isUnknown },
      ),
    ).rejects.toThrow('no')
    expect(recorder.history().transactions.map(({ status }) => status)).toEqual(['unknown', 'aborted'])
  })
})

describe('a recorded database', () => {
  it('writes down reads, writes, rows and deletes, each attempt as a transaction of its own', async () => {
    await withDatabase(async (db) => {
      const recorder = new HistoryRecorder()
      const alice = recordDatabase(db, recorder, 'alice')
      await alice.transaction((tx) => {
        const c = tx.collection('c')
        c.insert({ id: 1, n: 1 })
        c.upsert({ id: '1', n: 2 })
      })
      let attempts = 0
      await alice.transaction(async (tx) => {
        const c = tx.collection('c')
        c.update(1, ({ n }) => ({ n: Number(n) + 1 }))
        if (attempts++ === 0) await db.collection('c').update(1, { n: 5 })
        c.delete('1')
        expect(c.delete('2')).toBe(false)
        expect(tx.unrecorded.isOpen).toBe(true)
      })
      const rows = await alice.read((snapshot) => snapshot.collection('c').all({ n: { gte: 0 } }))
      expect(rows).toMatchObject([{ id: 1, n: 6 }])
      const { transactions } = recorder.history()
      expect(transactions.map(({ status }) => status)).toEqual(['committed', 'aborted', 'committed', 'committed'])
      expect(transactions[2]!.operations.map((each) => `${each.kind} ${each.kind === 'rows' ? '' : each.key}`)).toEqual(
        ['read c/1', 'write c/1', 'read c/"1"', 'write c/"1"', 'read c/"2"'],
      )
    })
  })

  it('passes refusals on, and records nothing that did not happen', async () => {
    await withDatabase(async (db) => {
      const recorder = new HistoryRecorder()
      const session = recordDatabase(db, recorder)
      const code = (error: unknown): string => (error instanceof BlazeError ? error.code : String(error))
      const refused = (
        run: (tx: Parameters<Parameters<typeof session.transaction>[0]>[0]) => unknown,
      ): Promise<string> => session.transaction(run).then(() => 'done', code)
      expect(await refused((tx) => tx.collection('c').update(1, { n: 1 }))).toBe('NOT_FOUND')
      // The cast: a function that gives no patch.
      expect(await refused((tx) => tx.collection('c').update(1, (() => undefined) as never))).toBe('NOT_FOUND')
      await db.collection('c').insert({ id: 1 })
      expect(await refused((tx) => tx.collection('c').update(1, (() => undefined) as never))).toBe('INVALID_PATCH')
      expect(await refused((tx) => tx.collection('c').insert({ id: 1 }))).toBe('DUPLICATE_ID')
      expect(await refused((tx) => tx.collection('c').replace({ id: 9 }))).toBe('NOT_FOUND')
      expect(
        recorder.history().transactions.flatMap(({ operations }) => operations.filter(({ kind }) => kind === 'write')),
      ).toEqual([])
      expect(() => recordDatabase(db, recorder, 'a', { stamps: 'x' } as object)).toThrow(/no option 'stamps'/)
    })
  })

  it('without a stamp stores what it is given', async () => {
    await withDatabase(async (db) => {
      const plain = recordDatabase(db, new HistoryRecorder(), 'a', { stamp: false })
      await plain.transaction((tx) => tx.collection('c').insert({ id: 1, n: 1 }))
      const stamped = recordDatabase(db, new HistoryRecorder(), 'a', { stamp: 'mark' })
      await stamped.transaction((tx) => tx.collection('c').insert({ id: 2, n: 1 }))
      expect(db.collection('c').orderBy('id').all()).toEqual([
        { id: 1, n: 1 },
        { id: 2, n: 1, mark: 1 },
      ])
    })
  })

  /** Two sessions that take from two accounts together, and refuse to take more than both hold. */
  async function withdrawals(choices: number, isolation: Isolation): Promise<History> {
    const recorder = new HistoryRecorder()
    await schedule(choices, async (s) => {
      const db = await s.openMemory()
      await recordDatabase(db, recorder, 'setup').transaction((tx) => {
        for (const id of ['ada', 'bob']) tx.collection('accounts').insert({ id, balance: 60 })
      })
      const withdraw = (id: string) =>
        s.task(id, (task) =>
          recordDatabase(db, recorder, id).transaction(
            async (tx) => {
              const accounts = tx.collection('accounts')
              const all = accounts.all()
              await task.step()
              const sum = all.reduce((total, { balance }) => total + Number(balance), 0)
              if (sum >= 100) accounts.update(id, ({ balance }) => ({ balance: Number(balance) - 100 }))
            },
            { isolation },
          ),
        )
      await Promise.all([withdraw('ada'), withdraw('bob')])
      await db.close()
    })
    return recorder.history()
  }

  it('shows the write skew of an application at snapshot, and at serializable none', async () => {
    let skewed = 0
    for (let n = 0; n < effort(12); n++) {
      const serializable = checkHistory(await withdrawals(seed() + n, 'serializable'), { realTime: true })
      expect(serializable).toEqual({ ok: true, anomalies: [], allowed: [] })
      const { ok, allowed } = checkHistory(await withdrawals(seed() + n, 'snapshot'), {
        level: 'snapshot',
        realTime: true,
      })
      expect(ok).toBe(true)
      if (allowed.some(({ name }) => name === 'G2-item')) skewed++
    }
    expect(skewed).toBeGreaterThan(0)
  })
})
