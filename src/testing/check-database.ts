/** The integrity check of an open database, for tests: every structure against the records in the log, in one turn. */
import { integrityProblems } from '../engine/check.ts'
import { closedError } from '../engine/core.ts'
import { Database } from '../engine/database.ts'
import type { VerifyProblem } from '../engine/verify/problem.ts'
import { given, refused } from './arguments.ts'

/** What {@link checkDatabase} throws. */
export class DatabaseCheckError extends Error {
  override readonly name = 'DatabaseCheckError'
  /** What is wrong, as `db.verify()` tells it. */
  readonly problems: readonly VerifyProblem[]
  constructor(problems: readonly VerifyProblem[]) {
    super(`the database is not sound:\n${problems.map(({ kind, text }) => `- ${kind}: ${text}`).join('\n')}`)
    this.problems = problems
  }
}

/**
 * Compares records, counts, indexes, columns and texts of an open database with the log: what `db.verify()` does, at once
 * and without reading files that memory has. Changes nothing: call it in tests before a close, when nothing is being
 * written. Throws {@link DatabaseCheckError} with all problems as data. Other errors: INVALID_ARGUMENT, CLOSED.
 * @example
 * checkDatabase(db)
 * await db.close()
 */
export function checkDatabase(database: Database<never> | Database<unknown>): void {
  if (!(database instanceof Database))
    throw refused('database', `checkDatabase() takes an open database, found ${given(database)}`)
  // The core of a database is the same whatever its collections are.
  const core = Database.coreOf(database as Database<unknown>)
  if (core.closed) throw closedError()
  const problems = integrityProblems(core)
  if (problems.length > 0) throw new DatabaseCheckError(problems)
}
