/** A broken assumption of our own code: a defect to report, never an operating error to handle. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/** Throws when `condition` is false. `text` is a thunk so that a check that holds costs nothing but the test. */
export function invariant(condition: boolean, text: () => string): asserts condition {
  if (!condition) throw new InvariantError(`invariant broken: ${text()}`)
}

let costly = false

/** Turns on checks too dear for production (whole-structure walks). They never change the path that is checked. */
export function setCostlyChecks(on: boolean): void {
  costly = on
}

/** True while costly checks are on. */
export function costlyChecks(): boolean {
  return costly
}
