import { describe, expect, it } from 'vitest'
import type { AnomalyName, IsolationLevel } from '../../../src/testing/isolation/anomaly.ts'
import { checkHistory } from '../../../src/testing/isolation/check-history.ts'
import type { History } from '../../../src/testing/isolation/history.ts'
import { historyOf } from './notation.ts'

/** Each anomaly as the smallest history that has it: its name, and no other. */
interface Case {
  readonly what: string
  readonly history: string
  readonly names: readonly AnomalyName[]
  /** The weakest level that forbids it; undefined: none, without real time or sessions. */
  readonly level?: IsolationLevel
  readonly also?: Partial<History>
}

const CASES: readonly Case[] = [
  { what: 'transactions one after another', history: 'T1: rx[] ax1 / T2: rx[1] ax2 / T3: rx[1,2]', names: [] },
  { what: 'registers one after another', history: 'T1: rx=- wx=1 / T2: rx=1 wx=2 / T3: rx=2', names: [] },
  {
    what: 'appends that alternate',
    history: 'T1: ax1 ay2 / T2: ax2 ay1 / T3: rx[1,2] ry[1,2]',
    names: ['G0'],
    level: 'read-uncommitted',
  },
  { what: 'a read of an aborted append', history: 'T1!: ax1 / T2: rx[1]', names: ['G1a'], level: 'read-committed' },
  { what: 'a read of an aborted write', history: 'T1!: wx=1 / T2: rx=1', names: ['G1a'], level: 'read-committed' },
  { what: 'a read between two appends', history: 'T1: ax1 ax2 / T2: rx[1]', names: ['G1b'], level: 'read-committed' },
  {
    what: 'a read between two appends, all read later',
    history: 'T1: ax1 ax2 / T2: rx[1] / T3: rx[1,2]',
    names: ['G1b'],
    level: 'read-committed',
  },
  { what: 'a read between two writes', history: 'T1: wx=1 wx=2 / T2: rx=1', names: ['G1b'], level: 'read-committed' },
  {
    what: 'two that read each other’s appends',
    history: 'T1: ax1 ry[1] / T2: ay1 rx[1]',
    names: ['G1c'],
    level: 'read-committed',
  },
  {
    what: 'two that read each other’s writes',
    history: 'T1: wx=1 ry=1 / T2: wy=1 rx=1',
    names: ['G1c'],
    level: 'read-committed',
  },
  {
    what: 'three that read each other’s writes in a ring',
    history: 'T1: wx=1 rz=1 / T2: wy=1 rx=1 / T3: wz=1 ry=1',
    names: ['G1c'],
    level: 'read-committed',
  },
  {
    what: 'two that append to what both had read',
    history: 'T1: rx[] ax1 / T2: rx[] ax2 / T3: rx[1,2]',
    names: ['lost-update'],
    level: 'repeatable-read',
  },
  {
    what: 'two that append to what both had read, and nobody reads after',
    history: 'T1: rx[] ax1 / T2: rx[] ax2',
    names: ['lost-update'],
    level: 'repeatable-read',
  },
  {
    what: 'two that write what both had read',
    history: 'T1: rx=0 wx=1 / T2: rx=0 wx=2',
    names: ['lost-update'],
    level: 'repeatable-read',
    also: { initial: { x: 0 } },
  },
  {
    what: 'one that overwrites, from an old state, two others',
    history: 'T1: rx=- wx=1 / T2: rx=1 wx=2 / T3: rx=- wx=3',
    names: ['lost-update'],
    level: 'repeatable-read',
    also: { versionOrder: { x: ['T1', 'T2', 'T3'] } },
  },
  {
    what: 'one that overwrites, from an old state, a blind write',
    history: 'T1: wx=1 / T3: rx=- wx=3',
    names: ['lost-update'],
    level: 'repeatable-read',
    also: { versionOrder: { x: ['T1', 'T3'] } },
  },
  {
    what: 'a reader that sees one of two appends of one transaction',
    history: 'T1: ax1 ay1 / T2: rx[] ry[1] / T3: rx[1]',
    names: ['G-single'],
    level: 'repeatable-read',
  },
  {
    what: 'a reader that sees one of two writes of one transaction',
    history: 'T1: rx=- wx=1 wy=1 / T2: rx=- ry=1',
    names: ['G-single'],
    level: 'repeatable-read',
  },
  {
    what: 'a read that is repeated and differs, in a list',
    history: 'T1: ax1 / T2: rx[] rx[1]',
    names: ['G-single'],
    level: 'repeatable-read',
  },
  {
    what: 'a read that is repeated and differs, in a register with blind writes',
    history: 'T1: wx=1 / T2: wx=2 / T3: rx=1 rx=2',
    names: ['G-single'],
    level: 'repeatable-read',
  },
  {
    what: 'readers that see two writers in two orders',
    history: 'T1: ax1 / T2: ay1 / T3: rx[1] ry[] / T4: rx[] ry[1]',
    names: ['G-nonadjacent'],
    level: 'repeatable-read',
  },
  {
    what: 'two that each read what the other writes',
    history: 'T1: rx[] ay1 / T2: ry[] ax1 / T3: rx[1] ry[1]',
    names: ['G2-item'],
    level: 'repeatable-read',
  },
  {
    what: 'write skew of registers',
    history: 'T1: rx=0 ry=0 wx=1 / T2: rx=0 ry=0 wy=1',
    names: ['G2-item'],
    level: 'repeatable-read',
    also: { initial: { x: 0, y: 0 } },
  },
  {
    what: 'the anomaly of a reader among two writers',
    history: 'T1: rx=0 ry=0 wx=1 / T2: rx=0 ry=0 wy=2 / T3: rx=0 ry=2',
    names: ['G2-item'],
    level: 'repeatable-read',
    also: { initial: { x: 0, y: 0 } },
  },
  {
    what: 'two that write into what the other read by a filter',
    history: 'T1: q{"n":1}= wx={"n":1,"v":1} / T2: q{"n":1}= wy={"n":1,"v":2}',
    names: ['G2'],
    level: 'serializable',
  },
  {
    what: 'two that move records into what the other read by a filter',
    history: 'T1: q{"n":{"gte":0}}= wx={"n":1} / T2: q{"n":{"gte":0}}= wy={"n":2}',
    names: ['G2'],
    level: 'serializable',
    also: { initial: { x: { n: -1 }, y: { n: -1 } } },
  },
  {
    what: 'a filter that finds one of two inserts of one transaction',
    history: 'T1: wx={"n":1} wy={"n":2} / T2: q{"n":1}= ry={"n":2}',
    names: ['G-single'],
    level: 'snapshot',
  },
  {
    what: 'a filter that misses, and a write of what it missed over what came between',
    history: 'T2: wx={"n":2} / T3: wx={"n":1,"v":2} / T1: q{"n":1}= wx={"n":3}',
    names: ['G-single'],
    level: 'snapshot',
    also: { initial: { x: { n: 1 } }, versionOrder: { x: ['T2', 'T3', 'T1'] } },
  },
  {
    what: 'a filter over a list of which it is not known what it held',
    history: 'T1: ax1 wy=1 / T2: ax2 / T3: q{"values.1":{"exists":false},"values":{"exists":true}}= ry=1',
    names: [],
  },
  {
    what: 'a filter over a list of which it is known',
    history: 'T1: ax1 wy=1 / T3: q{"values.1":{"exists":false},"values":{"exists":true}}= ry=1',
    names: ['G-single'],
    level: 'snapshot',
  },
  {
    what: 'a filter that sees a record moved out, and not what its mover wrote elsewhere',
    history: 'T1: wx={"n":2} wy=1 / T2: q{"n":1}= ry=-',
    names: ['G-single'],
    level: 'repeatable-read',
    also: { initial: { x: { n: 1 } } },
  },
  {
    what: 'a long fork among those of a write skew',
    history: 'T1: ax1 / T2: ay1 / T3: rx[1] ry[] rw[] az1 / T4: rx[] ry[1] rz[] aw1',
    names: ['G-nonadjacent', 'G2-item'],
    level: 'repeatable-read',
  },
  {
    what: 'a filter that misses what was there all the time',
    history: 'T1: q{"n":1}= / T2: q{"n":1}=x:{"n":1}',
    names: ['unwritten-read'],
    level: 'read-uncommitted',
    also: { initial: { x: { n: 1 } } },
  },
  { what: 'an own append that is not read', history: 'T1: ax1 rx[]', names: ['internal'], level: 'repeatable-read' },
  { what: 'an own write that is not read', history: 'T1: wx=1 rx=2', names: ['internal'], level: 'repeatable-read' },
  {
    what: 'an own write that a filter misses',
    history: 'T1: wx={"n":1} q{"n":1}=',
    names: ['internal'],
    level: 'repeatable-read',
  },
  {
    what: 'an append that is read before it is made',
    history: 'T1: rx[1] ax1',
    names: ['internal'],
    level: 'repeatable-read',
  },
  {
    what: 'an append behind one that was rolled back',
    history: 'T1!: ax1 / T2: ax2 / T3: rx[1,2]',
    names: ['G1a', 'dirty-update'],
    level: 'read-committed',
  },
  {
    what: 'a write upon one that was rolled back',
    history: 'T1!: wx=1 / T2: rx=1 wx=2',
    names: ['G1a', 'dirty-update'],
    level: 'read-committed',
  },
  {
    what: 'two lists in different orders',
    history: 'T1: ax1 / T2: ax2 / T3: rx[1,2] / T4: rx[2]',
    names: ['incompatible-order'],
    level: 'read-uncommitted',
  },
  {
    what: 'a value twice in a list',
    history: 'T1: ax1 / T2: rx[1,1]',
    names: ['duplicate-elements'],
    level: 'read-uncommitted',
  },
  { what: 'a value that nobody appended', history: 'T2: rx[7]', names: ['unwritten-read'], level: 'read-uncommitted' },
  { what: 'a value that nobody wrote', history: 'T2: rx=7', names: ['unwritten-read'], level: 'read-uncommitted' },
  { what: 'a transaction of unknown outcome that nobody saw', history: 'T1?: rx[] ax1 / T2: rx[] ax2', names: [] },
  {
    what: 'a transaction of unknown outcome that was seen',
    history: 'T1?: rx[] ax1 / T2: rx[] ax2 / T3: rx[1,2]',
    names: ['lost-update'],
    level: 'repeatable-read',
  },
  { what: 'aborted reads, which are not judged', history: 'T1: ax1 ay1 / T2!: rx[] ry[1] / T3: rx[1]', names: [] },
  {
    what: 'a filter whose rows tell no order of blind writes',
    history: 'T1: wx={"n":1} / T2: wx={"n":2} / T3: q{"n":1}=',
    names: [],
  },
]

const LEVELS: readonly IsolationLevel[] = [
  'read-uncommitted',
  'read-committed',
  'repeatable-read',
  'snapshot',
  'serializable',
]

describe('a history of', () => {
  it.each(CASES)('$what: $names', ({ history, names, also }) => {
    const { anomalies } = checkHistory({ ...historyOf(history), ...also })
    expect([...new Set(anomalies.map(({ name }) => name))].sort()).toEqual([...names].sort())
  })

  it.each(CASES.filter(({ names }) => names.length > 0))(
    '$what is refused from $level on, and before that allowed',
    (each) => {
      for (const level of LEVELS) {
        const { ok, allowed } = checkHistory({ ...historyOf(each.history), ...each.also }, { level })
        const write = each.names[0] === 'G2-item' && level === 'snapshot'
        const isRefused = LEVELS.indexOf(level) >= LEVELS.indexOf(each.level!) && !write
        expect({ level, ok }).toEqual({ level, ok: !isRefused })
        if (!isRefused) expect(allowed.map(({ name }) => name)).toEqual(expect.arrayContaining([each.names[0]]))
      }
    },
  )
})

describe('with real time', () => {
  const cases: readonly (readonly [what: string, history: string, names: readonly string[]])[] = [
    [
      'a list that is read as it was before an append that had ended',
      'T1@1-2: ax1 / T2@3-4: rx[]',
      ['G-single-realtime'],
    ],
    ['the same while the append was still running', 'T1@1-3: ax1 / T2@2-4: rx[]', []],
    ['a register that is read as it was before', 'T1@1-2: wx=1 / T2@3-4: wx=2 / T3@5-6: rx=1', ['G-single-realtime']],
    [
      'an order of blind writes that only time tells',
      'T1@1-2: wx=1 / T2@3-4: wx=2 wy=1 / T3@1-9: rx=1 ry=1',
      ['G-single-realtime'],
    ],
    ['an append that is read before it begins', 'T2@1-2: rx[1] / T1@3-4: ax1', ['G1c-realtime']],
    ['appends in the wrong order', 'T1@1-2: ax1 / T2@3-4: ax2 / T3@5-6: rx[2,1]', ['G0-realtime']],
    ['a write skew, which is one without it', 'T1@1-3: rx[] ay1 / T2@2-4: ry[] ax1 / T3@5-6: rx[1] ry[1]', ['G2-item']],
    ['a transaction of unknown outcome, which may take effect late', 'T1@1-2?: ax1 / T2@3-4: rx[] / T3@5-6: rx[1]', []],
  ]
  it.each(cases)('%s', (_what, history, names) => {
    expect(checkHistory(historyOf(history), { realTime: true }).anomalies.map(({ name }) => name)).toEqual(names)
    const without = checkHistory(historyOf(history)).anomalies.map(({ name }) => name)
    expect(without).toEqual(names.filter((name) => !name.endsWith('-realtime')))
  })
})

describe('a circle over many steps of time or of a session', () => {
  it('counts them as one: who ended before all that', () => {
    const between = Array.from({ length: 20 }, (_, i) => `B${i}@${10 * i + 10}-${10 * i + 15}: rz=-`)
    const text = ['A@1-2: wx=1', ...between, 'C@900-901: rx=- wy=1', 'D@1000-1001: rx=1 ry=1'].join(' / ')
    const [first] = checkHistory(historyOf(text), { realTime: true }).anomalies
    expect(first!.transactions).toEqual(['C', 'A'])
    expect(first!.cycle.at(-1)!.text).toBe('A had ended (at 2) before C began (at 900)')
  })

  it('of a session, too', () => {
    const between = Array.from({ length: 20 }, (_, i) => `B${i}(s): rz=-`)
    const [first] = checkHistory(historyOf(['A(s): wx=1', ...between, 'C(s): rx=-'].join(' / ')), {
      sessions: true,
    }).anomalies
    expect(first).toMatchObject({ name: 'G-single-session', transactions: ['C', 'A'] })
    expect(first!.cycle.at(-1)!.text).toBe('A came before C in session s')
  })
})

describe('with sessions', () => {
  it('a session that does not see what it wrote is found, and another session may not have', () => {
    const own = historyOf('T1(a): ax1 / T2(a): rx[] / T3(b): rx[1]')
    expect(checkHistory(own, { sessions: true }).anomalies.map(({ name }) => name)).toEqual(['G-single-session'])
    expect(checkHistory(own).ok).toBe(true)
    expect(checkHistory(historyOf('T1(a): ax1 / T2(b): rx[] / T3(b): rx[1]'), { sessions: true }).ok).toBe(true)
  })
})

describe('what is no history is refused', () => {
  const refused: readonly (readonly [what: string, history: unknown, text: RegExp])[] = [
    ['without transactions', {}, /transactions must be an array/],
    ['with one name twice', historyOf('T1: ax1 / T1: ax2'), /two transactions are called T1/],
    ['with one value appended twice', historyOf('T1: ax1 / T2: ax1'), /T2 appends 1 to x a second time/],
    ['with a key of both models', historyOf('T1: ax1 / T2: wx=1'), /x is a list, and T2 uses it as a register/],
    ['with an unknown status', { transactions: [{ id: 'T1', status: 'done', operations: [] }] }, /status done/],
    [
      'with an unknown operation',
      { transactions: [{ id: 'T1', status: 'aborted', operations: [{ kind: 'x' }] }] },
      /kind x/,
    ],
    ['with an end before its begin', historyOf('T1@2-1: ax1'), /T1 ends before it begins/],
    ['with an order that names nobody', { ...historyOf('T1: wx=1'), versionOrder: { x: ['T9'] } }, /names T9/],
  ]
  it.each(refused)('%s', (_what, history, text) => {
    // A cast: what is given is wrong on purpose.
    expect(() => checkHistory(history as History)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(text) }),
    )
  })

  it('and so are options that there are not', () => {
    const history = historyOf('T1: ax1')
    // Casts: options of no type.
    expect(() => checkHistory(history, { strict: true } as object)).toThrow(/no option 'strict'/)
    expect(() => checkHistory(history, { level: 'acid' as 'snapshot' })).toThrow(/level is one of/)
    expect(() => checkHistory(history, { realTime: true })).toThrow(/T1 lacks one/)
  })
})

describe('the text of an anomaly', () => {
  it('says what each of two reads of one key saw, where no circle does', () => {
    const { anomalies } = checkHistory(historyOf('T1: wx=1 / T2: wx=2 / T3: rx=1 rx=2'))
    expect(anomalies[0]!.text).toContain('T3 read x as 1 and again as 2, and had not written it')
  })

  it('says which transaction saw what, and why that is a circle', () => {
    const { anomalies } = checkHistory(historyOf('T1: rx[] ay1 / T2: ry[] ax1 / T3: rx[1] ry[1]'))
    expect(anomalies[0]!.text).toBe(
      [
        'G2-item, write skew: each read what the other then overwrote',
        'between T1, T2:',
        '  T1 ─rw→ T2  T1 read x as [], before T2 appended 1 to x',
        '  T2 ─rw→ T1  T2 read y as [], before T1 appended 1 to y',
      ].join('\n'),
    )
  })
})
