/**
 * The integrity check: every structure against every other, in one turn. Run whenever a test closes a database; costly (it
 * reads everything), so nothing calls it on its own. What is checked is shared with the verification (verify/).
 */
import { invariant } from '../base/invariant.ts'
import type { Core } from './core.ts'
import { checkDatabaseState, noCounts } from './verify/check-database.ts'

/** Throws when a structure does not say what the records say. */
export function checkIntegrity(core: Core): void {
  const checks = { counts: noCounts(), schema: false, fromDisk: false, makeTexts: false }
  for (const found of checkDatabaseState(core, checks)) {
    invariant(found === undefined, () => JSON.stringify(found))
  }
  for (const collection of core.byId.values()) {
    for (const { index, building, broken } of collection.indexes) if (!building && !broken) index.check()
  }
}
