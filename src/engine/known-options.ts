import { BlazeError } from '../base/errors.ts'

/** Refuses an option that a call does not have: it would do nothing, in silence. */
export function assertKnown(call: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    throw new BlazeError(
      'INVALID_ARGUMENT',
      `${call} has no option '${name}'; it has ${known.join(', ')}. Nothing was done.`,
      { argument: name },
    )
  }
}
