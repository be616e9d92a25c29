/** The integrity check of an open database, for tests: every derived structure against the records in the log. */
import { integrityChecks } from '../engine/check.ts'
import { Database } from '../engine/database.ts'

/** A structure that does not say what the records say. */
export interface DatabaseProblem {
  /** `index bugs.status`, `records of bugs`, `log segment 3`. */
  readonly part: string
  readonly message: string
}

/** What {@link checkDatabase} throws. */
export class DatabaseCheckError extends Error {
  override readonly name = 'DatabaseCheckError'
  readonly problems: readonly DatabaseProblem[]
  constructor(problems: readonly DatabaseProblem[], options?: { readonly cause?: unknown }) {
    super(
      `the database is not sound:\n${problems.map(({ part, message }) => `- ${part}: ${message}`).join('\n')}`,
      options,
    )
    this.problems = problems
  }
}

/**
 * Compares records, counts, indexes, columns and texts of an open database with the log, and reads every frame of it.
 * Reads everything and changes nothing: call it in tests before a close. Throws {@link DatabaseCheckError} with all
 * problems as data. Call it when nothing is being written.
 * @example
 * checkDatabase(db)
 * await db.close()
 */
export function checkDatabase(database: Database<never> | Database<unknown>): void {
  const problems: DatabaseProblem[] = []
  let cause: unknown
  // The core of a database is the same whatever its collections are.
  for (const { part, check } of integrityChecks(Database.coreOf(database as Database<unknown>))) {
    try {
      check()
    } catch (error) {
      cause ??= error
      problems.push({ part, message: error instanceof Error ? error.message : String(error) })
    }
  }
  if (problems.length > 0) throw new DatabaseCheckError(problems, { cause })
}
