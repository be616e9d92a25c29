import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import type { DatabaseWith } from '../../src/engine/database.ts'
import { compileAggregate } from '../../src/query/aggregates.ts'
import { GroupRows } from '../../src/query/operators/group-rows.ts'
import { type Operator, PAUSE } from '../../src/query/operators/operator.ts'
import { WindowRows } from '../../src/query/operators/window-rows.ts'
import { type Aggregate, BY_ID, type Expression } from '../../src/query/query-data.ts'
import type { Row } from '../../src/query/source.ts'
import { compileWindow } from '../../src/query/window-fields.ts'
import { freshPlatform, openOn } from '../engine/fixture.ts'
import { RowsInput, unlimited } from './support/rows.ts'

const MIB = 1_048_576
/** What a query may hold at least, in a database opened for little memory. */
const LIMIT = 64 * MIB

let db: DatabaseWith<Record<never, never>>

beforeAll(async () => {
  db = await openOn(freshPlatform(), { durability: 'none', memoryBytes: 128 * MIB })
  const text = 'x'.repeat(MIB)
  for (let id = 0; id < 70; id++) await db.collection('files').insert({ id, text, kind: id % 2 })
})

afterAll(async () => {
  await db.close()
})

describe('a query that holds more than its memory', () => {
  const files = () => db.collection('files')
  const held: { readonly [what: string]: () => unknown } = {
    'the rows of an order': () => files().orderBy('kind').all(),
    'the first rows of an order': () => files().orderBy('kind').limit(69).all(),
    'the groups and what their aggregates collect': () =>
      files()
        .groupBy('kind', { all: { array: 'text' } })
        .all(),
    'the rows of one side of a join': () => files().join('same', files(), { kind: 'kind' }).count(),
    'the rows that distinct and union tell apart': () => files().select('id', 'text').distinct().count(),
    'the rows of windows': () =>
      files()
        .window({ n: { rowNumber: true, orderBy: 'kind' } })
        .all(),
    'the rows of the other side of except': () =>
      files().select('id', 'text').except(files().select('id', 'text')).all(),
  }
  for (const [what, run] of Object.entries(held)) {
    it(`is ended with MEMORY_LIMIT that says what held it and what to do: ${what}`, () => {
      let thrown: unknown
      try {
        run()
      } catch (error) {
        thrown = error
      }
      if (!isBlazeError(thrown, 'MEMORY_LIMIT')) throw thrown
      expect(thrown.details.limit).toBe(LIMIT)
      expect(thrown.details.actual).toBeGreaterThan(LIMIT)
      expect(thrown.details.actual).toBeLessThan(LIMIT + 3 * MIB)
      expect(thrown.message).toContain(`with ${what} it would hold about`)
      expect(thrown.message).toContain('open the database with more memoryBytes')
    })
  }

  it('is ended by what it holds, not by what it reads', () => {
    expect(files().orderBy('kind').limit(3).all()).toHaveLength(3)
    expect(
      files()
        .groupBy('kind', { n: { count: true }, some: { max: 'text' } })
        .all(),
    ).toHaveLength(2)
    expect(files().select('kind').distinct().count()).toBe(2)
    expect(files().all()).toHaveLength(70)
  })
})

describe('a query that collects', () => {
  const COUNT = 50_000
  const rows = (): Row[] => Array.from({ length: COUNT }, (_, id) => ({ id, n: (id * 7_919) % COUNT }))
  const of: Expression = { kind: 'path', path: ['n'] }
  const aggregate = (fn: Aggregate['fn']): Aggregate => {
    return { name: fn, fn, of, where: undefined, fraction: undefined, orderBy: [{ ...BY_ID, path: ['n'] }] }
  }
  /** Pauses between the last row of the input and the first that is given. */
  const pausesBeforeFirst = (operator: Operator, input: RowsInput): number => {
    let pauses = 0
    for (let step = operator.next(); step === PAUSE; step = operator.next()) if (input.isAtEnd) pauses++
    operator.close()
    return pauses
  }

  it.each(['median', 'array'] as const)('pauses while it works out the %s of a huge group', (fn) => {
    const input = new RowsInput(rows(), 1_000_000)
    const spec = { keys: [], aggregates: [compileAggregate(aggregate(fn), [BY_ID])] }
    // Half of the numbers are passed over for a median.
    expect(pausesBeforeFirst(new GroupRows(input, spec, unlimited()), input)).toBeGreaterThan(COUNT / 2 / 1_024 - 2)
  })

  it('pauses while it orders and works out a huge partition of a window', () => {
    const input = new RowsInput(rows(), 1_000_000)
    const field = { name: 'w', fn: 'sum', of, distance: 1, fallback: null, partitionBy: [] } as const
    const fields = [compileWindow({ ...field, orderBy: [{ ...BY_ID, path: ['n'] }] }, [['id']])]
    expect(pausesBeforeFirst(new WindowRows(input, fields, unlimited()), input)).toBeGreaterThan((2 * COUNT) / 64 - 2)
  })
})
