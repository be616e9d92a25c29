import { describe, expect, it } from 'vitest'
import { checkHistory } from '../../../src/testing/isolation/check-history.ts'
import { historySvg } from '../../../src/testing/isolation/history-svg.ts'
import { historyText } from '../../../src/testing/isolation/history-text.ts'
import { shrinkHistory } from '../../../src/testing/isolation/shrink-history.ts'
import { effort } from '../../support/effort.ts'
import { seed } from '../../support/seed.ts'
import { historyOf } from './notation.ts'
import { type Flaw, simulate } from './simulators.ts'

describe('a shrunk history', () => {
  const flaws: readonly Flaw[] = ['snapshot', 'lost-update', 'read-committed', 'read-uncommitted']
  it.each(flaws)('of a database with the flaw %s keeps its anomaly, and loses what that does without', (flaw) => {
    let shrunk = 0
    for (let n = 0; n < effort(8); n++) {
      const history = simulate(seed() + n, { flaw, model: n % 2 === 0 ? 'list' : 'register', transactions: 20 })
      const { anomalies } = checkHistory(history)
      for (const keep of new Set(anomalies.map(({ name }) => name))) {
        const small = shrinkHistory(history, { keep })
        expect(checkHistory(small).anomalies.map(({ name }) => name)).toContain(keep)
        expect(small.transactions.length).toBeLessThanOrEqual(8)
        expect(shrinkHistory(small, { keep })).toEqual(small)
        shrunk++
      }
    }
    expect(shrunk).toBeGreaterThan(0)
  })

  it('of a thousand transactions is the two that matter', () => {
    const clean = simulate(seed(), { flaw: 'serial', model: 'list', transactions: 1000, keys: 200 })
    const skewed = historyOf('A: rx[] ay1 / B: ry[] ax1 / C: rx[1] ry[1]')
    const { transactions } = shrinkHistory({ transactions: [...clean.transactions, ...skewed.transactions] })
    expect(transactions.map(({ id }) => id)).toEqual(['A', 'B'])
    expect(transactions.map(({ operations }) => operations.map(({ kind }) => kind))).toEqual([
      ['list', 'append'],
      ['list', 'append'],
    ])
  })

  it('of a read of long ago is that read and the two writes, however much happened in between', () => {
    const blind = Array.from({ length: 3000 }, (_, i) => `W${i}@${2 * i + 1}-${2 * i + 4}: w${'abcdefg'[i % 7]}=${i}`)
    const history = historyOf([...blind, 'Late@9000-9001: ra=0'].join(' / '))
    const { anomalies } = checkHistory(history, { realTime: true })
    expect(anomalies[0]).toMatchObject({ name: 'G-single-realtime', transactions: ['Late', 'W7'] })
    const { transactions } = shrinkHistory(history, { realTime: true })
    expect(transactions.map(({ id }) => id)).toEqual(['W0', 'W7', 'Late'])
  })

  it('keeps what a filter missed and a stated order of versions', () => {
    const history = {
      ...historyOf(
        'T1: rz=- q{"n":1}= wx={"n":1} / T2: q{"n":1}= wy={"n":1} wz=2 / T3: wx={"n":1,"v":2} / T4: rx={"n":1,"v":2}',
      ),
      versionOrder: { x: ['T1', 'T3'] },
    }
    const small = shrinkHistory(history, { keep: 'G2' })
    expect(small.transactions.map(({ id }) => id)).toEqual(['T1', 'T2'])
    expect(small.versionOrder).toEqual({ x: ['T1'] })
  })

  it('is refused of a history that shows nothing, and of an anomaly that is not there', () => {
    const clean = historyOf('T1: ax1')
    expect(() => shrinkHistory(clean)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    const lost = historyOf('T1: rx[] ax1 / T2: rx[] ax2')
    expect(() => shrinkHistory(lost, { keep: 'G0' })).toThrow(/does not show G0/)
  })
})

describe('the text of a history', () => {
  it('is a table with a line for each transaction, and the anomaly below it', () => {
    const history = {
      ...historyOf('T1(a)@1-4: rx=0 ry=0 wx=1 / T2(b)@2-5: rx=0 ry=0 wy=1 / T3!: q{"n":1}='),
      initial: { x: 0, y: 0 },
    }
    const { anomalies } = checkHistory(history)
    expect(historyText(history, anomalies[0])).toBe(
      [
        'transaction  session  time   outcome    what it did',
        '───────────  ───────  ─────  ─────────  ───────────────────────────────────',
        'T1           a        1 – 4  committed  read x → 0 · read y → 0 · write x 1',
        'T2           b        2 – 5  committed  read x → 0 · read y → 0 · write y 1',
        'T3                           aborted    read all where {"n":1} → no rows',
        '',
        'G2-item, write skew: each read what the other then overwrote',
        'between T1, T2:',
        '  T1 ─rw→ T2  T1 read y as 0, before T2 wrote 1 in y',
        '  T2 ─rw→ T1  T2 read x as 0, before T1 wrote 1 in x',
      ].join('\n'),
    )
  })

  it('leaves out columns that nothing is in', () => {
    expect(historyText(historyOf('T1: ax1')).split('\n')[0]).toBe('transaction  outcome    what it did')
  })
})

describe('the picture of a history', () => {
  const skew = {
    ...historyOf('T1(a)@1-4: rx=0 ry=0 wx=1 / T2(b)@2-5: rx=0 ry=0 wy=1 / T3(a)@6-7: rx=1'),
    initial: { x: 0, y: 0 },
  }

  it('has a box for each transaction, a lane for each session and an arrow for each edge', () => {
    const svg = historySvg(skew, checkHistory(skew).anomalies[0])
    expectWellFormed(svg)
    for (const id of ['T1', 'T2', 'T3']) expect(svg).toContain(`>${id}</text>`)
    expect(svg.match(/stroke-dasharray="2 4"/g)).toHaveLength(2)
    expect(svg.match(/marker-end="url\(#end-rw\)"/g)).toHaveLength(2)
    expect(svg).toContain('>G2-item</text>')
    expect(svg).toContain('T1 read y as 0, before T2 wrote 1 in y')
  })

  it('keeps boxes of a lane apart, and inside the picture', () => {
    for (let n = 0; n < effort(20); n++) {
      const history = simulate(seed() + n, { flaw: 'read-committed', model: 'list', transactions: 12, abortOneIn: 4 })
      const svg = historySvg(history, checkHistory(history).anomalies[0])
      expectWellFormed(svg)
      const [, width = 0, height = 0] = (/viewBox="0 0 (\d+) (\d+)"/.exec(svg) ?? []).map(Number)
      const boxes = [...svg.matchAll(/<g><rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g)].map(
        (match) => match.slice(1).map(Number),
      )
      expect(boxes).toHaveLength(history.transactions.length)
      for (const [i, [x = 0, y = 0, w = 0, h = 0]] of boxes.entries()) {
        expect(x + w <= width && y + h <= height).toBe(true)
        for (const [left = 0, top = 0, other = 0] of boxes.slice(i + 1)) {
          expect(top !== y || left >= x + w || left + other <= x).toBe(true)
        }
      }
    }
  })

  it('is the same for the same history, without times as well', () => {
    const untimed = historyOf('T1: ax1 / T2: rx[1]')
    expect(historySvg(untimed)).toBe(historySvg(untimed))
    expectWellFormed(historySvg(untimed))
    expectWellFormed(historySvg({ transactions: [] }))
  })

  it('shows what XML takes for its own, and what it cannot have', () => {
    const svg = historySvg({
      transactions: [
        {
          id: '<T&1>',
          session: '"s\'',
          status: 'committed',
          operations: [{ kind: 'write', key: 'k<', value: '\u0001' }],
        },
      ],
    })
    expectWellFormed(svg)
    expect(svg).toContain('&lt;T&amp;1&gt;')
    expect(historySvg({ transactions: [{ id: 'a\u0002', status: 'aborted', operations: [] }] })).not.toContain('\u0002')
  })
})

/** Every element is closed in its order, and no bare sign is left. */
function expectWellFormed(svg: string): void {
  const open: string[] = []
  for (const [, slash, name, rest] of svg.matchAll(/<(\/?)([\w]+)((?:"[^"]*"|'[^']*'|[^"'>])*)>/g)) {
    if (slash === '/') expect(open.pop()).toBe(name)
    else if (!rest!.endsWith('/')) open.push(name!)
  }
  expect(open).toEqual([])
  expect(svg.replace(/<[^<>]*>/g, '')).not.toMatch(/[<>]|&(?!(amp|lt|gt|quot|#39);)/)
  expect(svg).not.toMatch(/NaN|Infinity|undefined/)
}
