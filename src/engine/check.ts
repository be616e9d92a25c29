/**
 * The integrity check: every structure against every other, in one turn. Run whenever a test closes a database; costly (it
 * reads everything), so nothing calls it on its own. What is checked is shared with the verification (verify/).
 */
import { InvariantError, invariant } from '../base/invariant.ts'
import type { Core } from './core.ts'
import { checkDatabaseState, noCounts } from './verify/check-database.ts'
import { type Check, problem, type VerifyProblem } from './verify/problem.ts'

/** Throws when a structure does not say what the records say. */
export function checkIntegrity(core: Core): void {
  const problems = integrityProblems(core)
  invariant(problems.length === 0, () => JSON.stringify(problems))
}

/** Every structure that does not say what the records say. */
export function integrityProblems(core: Core): VerifyProblem[] {
  const checks = { counts: noCounts(), schema: false, fromDisk: false, makeTexts: false }
  const problems: VerifyProblem[] = []
  for (const check of [checkDatabaseState(core, checks), checkTrees(core)]) {
    for (const found of check) if (found !== undefined) problems.push(found)
  }
  return problems
}

/** The trees of indexes by themselves: order of keys, levels, counts. */
function* checkTrees(core: Core): Check {
  for (const { name, indexes } of core.byId.values()) {
    for (const { index, spec, building, broken } of indexes) {
      if (building || broken) continue
      try {
        index.check()
      } catch (error) {
        if (!(error instanceof InvariantError)) throw error
        yield problem('index', `index ${name}.${spec.name}: ${error.message}`, { collection: name })
      }
    }
  }
}
