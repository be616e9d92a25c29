/**
 * SQLite as a second judge: random queries of the part of the language that SQL has (bench/differential/to-sql.ts says
 * which, and what means something else there) must give the same rows by the naive evaluator and by the engine. Runs
 * where better-sqlite3 is installed (npm run bench:setup); `npm run bench -- differential` runs thousands.
 */
import { describe, expect, it } from 'vitest'
import { openSqlite, sqliteLibrary } from '../../bench/differential/sqlite.ts'
import { seededRandom } from '../../src/platform/seeded-random.ts'
import type { QueryData } from '../../src/query/query-data.ts'
import { closeChecked, freshPlatform, openOn } from '../engine/fixture.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { evaluate, hasOrder } from './support/naive/evaluate.ts'
import { sameRows, shownValue } from './support/naive/same-rows.ts'
import type { Row } from './support/naive/scope.ts'
import { shownCase } from './support/random/arbitrary.ts'
import { randomQuery } from './support/random/random-query.ts'
import { randomIndexes } from './support/random/random-writes.ts'
import { smallest, smallestDatabase } from './support/random/smaller.ts'
import { SQL_CLAUSES, sqlTables, sqlWorld } from './support/random/sql-world.ts'
import { type Database, randomDatabase, type World } from './support/random/world.ts'
import { runData } from './support/run-data.ts'

const Library = sqliteLibrary()
const QUERIES_OF_ONE = 25

/** Any so many rows are not compared. */
function settled(query: QueryData): QueryData {
  return query.limit !== undefined && !hasOrder(query) ? { ...query, limit: undefined } : query
}

interface Judged {
  answered: number
  asked: number
}

type Answer = (query: QueryData, database: Database) => readonly Row[]

/** Throws, with the smallest query that shows it, when SQLite and `answer` differ. */
function compare(database: Database, queries: readonly QueryData[], judged: Judged, answer: Answer): void {
  for (const query of differing(database, queries.map(settled), answer, judged)) {
    const shows = (smaller: QueryData): boolean => differing(database, [settled(smaller)], answer).length > 0
    throw new Error(report(database, settled(smallest(query, shows)), answer))
  }
}

/** Those of the queries that SQLite answers differently. */
function differing(database: Database, queries: readonly QueryData[], answer: Answer, judged?: Judged): QueryData[] {
  const sqlite = openSqlite(Library!, sqlTables(), database)
  try {
    return queries.filter((query) => {
      const actual = answer(query, database).map((row) => sqlite.flat(query, row))
      if (judged !== undefined) {
        judged.asked++
        if (actual.length > 0) judged.answered++
      }
      return !sameRows(sqlite.rows(query), actual, query)
    })
  } finally {
    sqlite.close()
  }
}

function report(database: Database, query: QueryData, answer: Answer): string {
  const sqlite = openSqlite(Library!, sqlTables(), database)
  const lines = [
    shownCase({ query, database, indexes: new Map(), writes: [], after: database }),
    sqlite.sql(query),
    `SQLite: ${shownValue(sqlite.rows(query))}`,
    `here:   ${shownValue(answer(query, database).map((row) => sqlite.flat(query, row)))}`,
  ]
  sqlite.close()
  return lines.join('\n')
}

/** The smallest database and query on which SQLite and the evaluator differ, where these do. */
function smallestDifference(database: Database, query: QueryData): Error | undefined {
  const shows = (records: Database, asked: QueryData): boolean =>
    differing(records, [settled(asked)], evaluate).length > 0
  if (!shows(database, query)) return undefined
  const small = smallest(query, (smaller) => shows(database, smaller))
  const records = smallestDatabase(database, (smaller) => shows(smaller, small))
  return new Error(report(records, settled(smallest(small, (smaller) => shows(records, smaller))), evaluate))
}

function draws(world: World, random: ReturnType<typeof seededRandom>): [Database, QueryData[]] {
  return [randomDatabase(random, world), Array.from({ length: QUERIES_OF_ONE }, () => randomQuery(random, world))]
}

describe.skipIf(Library === undefined)('SQLite', () => {
  it('gives what the naive evaluator gives', () => {
    const random = seededRandom(seed())
    const judged = { asked: 0, answered: 0 }
    for (let i = 0; i < effort(20); i++) {
      const [database, queries] = draws(sqlWorld(SQL_CLAUSES), random)
      const [found] = differing(database, queries.map(settled), evaluate, judged)
      if (found !== undefined) throw smallestDifference(database, found)
    }
    expect(judged.answered / judged.asked).toBeGreaterThan(0.4)
  })

  it('gives what the engine gives', async () => {
    const random = seededRandom(seed())
    const judged = { asked: 0, answered: 0 }
    for (let i = 0; i < effort(20); i++) {
      const world = sqlWorld(SQL_CLAUSES)
      const [database, queries] = draws(world, random)
      const db = await openOn(freshPlatform(), { durability: 'none' })
      for (const [name, records] of database) await db.collection(name).insertMany(records)
      for (const [name, forms] of randomIndexes(random, world, queries[0]!)) {
        for (const form of forms) await db.createIndex(name, form)
      }
      try {
        compare(database, queries, judged, (query) => runData(db, query))
      } finally {
        await closeChecked(db)
      }
    }
    expect(judged.answered / judged.asked).toBeGreaterThan(0.4)
  })
})
