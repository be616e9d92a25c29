/** The generators as arbitraries of fast-check, which shrink by the structure of a query and its database. */
import fc from 'fast-check'
import type { Value } from '../../../../src/base/values.ts'
import type { QueryData } from '../../../../src/query/query-data.ts'
import { evaluate } from '../naive/evaluate.ts'
import { shownValue } from '../naive/same-rows.ts'
import { type Draw, isLikely } from './draw.ts'
import { randomQuery } from './random-query.ts'
import { type IndexSets, randomIndexes, randomWrites, type Write } from './random-writes.ts'
import { smallerDatabases, smallerQueries } from './smaller.ts'
import { type Database, randomDatabase, type World } from './world.ts'

export interface Case {
  readonly database: Database
  readonly query: QueryData
  readonly indexes: IndexSets
  /** What is written after the first answer, and the database then. */
  readonly writes: readonly Write[]
  readonly after: Database
}

export function randomCase(draw: Draw, world: World): Case {
  const database = randomDatabase(draw, world)
  let query = randomQuery(draw, world)
  // An empty answer says little: most of these are drawn again.
  if (evaluate(query, database).length === 0 && isLikely(draw, 75)) query = randomQuery(draw, world)
  const indexes = randomIndexes(draw, world, query)
  const [writes, after] = randomWrites(draw, world, database)
  return Object.assign(Object.create(SHOWN) as object, { database, query, indexes, writes, after })
}

const SHOWN = {
  [fc.toStringMethod](this: Case): string {
    return shownCase(this)
  },
}

/** A case as one line: what its query asks for, its records, indexes and writes. */
export function shownCase({ query, database, indexes, writes }: Case): string {
  // Maps become objects, and all else in a case is data.
  return shownValue(plain({ query, database, indexes, writes }) as Value)
}

/** Without what is not asked for. */
function plain(value: unknown): unknown {
  if (value instanceof Map) return plain(Object.fromEntries(value))
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  const isAsked = (one: unknown): boolean => one !== undefined && !(Array.isArray(one) && one.length === 0)
  const asked = Object.entries(value).filter(([, one]) => isAsked(one))
  return Object.fromEntries(asked.map(([name, one]) => [name, plain(one)]))
}

class CaseArbitrary extends fc.Arbitrary<Case> {
  readonly #world: World

  constructor(world: World) {
    super()
    this.#world = world
  }

  generate(random: fc.Random): fc.Value<Case> {
    const draw: Draw = { below: (count) => random.nextInt(0, count - 1) }
    return new fc.Value(randomCase(draw, this.#world), undefined)
  }

  canShrinkWithoutContext(_value: unknown): _value is Case {
    return true
  }

  shrink(found: Case): fc.Stream<fc.Value<Case>> {
    return new fc.Stream(smallerCases(found)).map((one) => new fc.Value(one, undefined))
  }
}

function* smallerCases(found: Case): Generator<Case> {
  const changed = (change: Partial<Case>): Case =>
    Object.assign(Object.create(SHOWN) as object, { ...found, ...change })
  if (found.writes.length > 0) yield changed({ writes: [], after: found.database })
  for (const query of smallerQueries(found.query)) yield changed({ query })
  for (const [name, forms] of found.indexes) {
    for (let i = 0; i < forms.length; i++) {
      yield changed({ indexes: new Map([...found.indexes, [name, forms.toSpliced(i, 1)]]) })
    }
  }
  // What was written speaks of records that were there.
  if (found.writes.length > 0) return
  for (const database of smallerDatabases(found.database)) yield changed({ database, after: database })
}

/** Random cases of a world. */
export function cases(world: World): fc.Arbitrary<Case> {
  return new CaseArbitrary(world)
}
