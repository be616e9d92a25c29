import { BlazeError } from '../base/errors.ts'

/**
 * Refuses options that are no object, and an option that a call does not have: it would do nothing, in silence. `signal`
 * and `onProgress` mean the same wherever they are known, so they are looked at here.
 */
export function assertKnown(call: string, options: object, known: readonly string[]): void {
  assertOptions(call, options)
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name)) {
      throw refused(`${call} has no option '${name}'; it has ${known.join(', ')}. Nothing was done.`, name)
    }
    if (value === undefined) continue
    if (name === 'signal' && !isSignal(value))
      throw refused(`${call}: signal is an AbortSignal. Nothing was done.`, name)
    if (name === 'onProgress' && typeof value !== 'function') {
      throw refused(`${call}: onProgress is a function. Nothing was done.`, name)
    }
  }
}

/** Refuses options that are no object. */
export function assertOptions(call: string, options: unknown): void {
  if (typeof options === 'object' && options !== null) return
  const found = options === null ? 'null' : typeof options
  throw refused(`${call} takes its options as an object, found ${found}. Nothing was done.`, 'options')
}

/** Refuses what is no function, before anything is begun. */
export function assertBody(call: string, fn: unknown): void {
  if (typeof fn === 'function') return
  throw refused(`${call} runs a function, found ${fn === null ? 'null' : typeof fn}. Nothing was done.`, 'fn')
}

/** By its members: one of another realm, or of a library, will do. */
function isSignal(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'aborted' in value &&
    'addEventListener' in value &&
    typeof value.addEventListener === 'function'
  )
}

function refused(text: string, argument: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', text, { argument })
}
