import { BlazeError } from '../base/errors.ts'

/** Refuses what is no object of options, and an option that a call does not have: it would do nothing, in silence. */
export function assertKnown(call: string, options: object, known: readonly string[]): void {
  // Typed callers give objects; null and numbers come from those that are not.
  if (typeof options !== 'object' || options === null) {
    throw new BlazeError(
      'INVALID_ARGUMENT',
      `${call} takes its options as an object, found ${options === null ? 'null' : typeof options}. Nothing was done.`,
      { argument: 'options' },
    )
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    throw new BlazeError(
      'INVALID_ARGUMENT',
      `${call} has no option '${name}'; it has ${known.join(', ')}. Nothing was done.`,
      { argument: name },
    )
  }
}

/** Refuses what is no function, before anything is begun. */
export function assertBody(call: string, fn: unknown): void {
  if (typeof fn === 'function') return
  throw new BlazeError(
    'INVALID_ARGUMENT',
    `${call} runs a function, found ${fn === null ? 'null' : typeof fn}. Nothing was done.`,
    {
      argument: 'fn',
    },
  )
}
