/**
 * Checks of arguments, made before anything is done: a toolkit for tests that takes what it does not understand runs
 * nothing, and the test passes.
 */
import { BlazeError } from '../base/errors.ts'

/** The error of an argument that makes no sense. */
export function refused(argument: string, text: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `${text}. Nothing was done.`, { argument })
}

/** What was given, in a word or two of an error. */
export function given(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}

/** An option that counts: left out, or a whole number from `least`. */
export function assertWhole(argument: string, value: unknown, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && Number(value) >= least)) return
  throw refused(argument, `${argument} is a whole number from ${least}, found ${given(value)}`)
}

export function assertFunction(argument: string, value: unknown): void {
  if (typeof value !== 'function') throw refused(argument, `${argument} is a function, found ${given(value)}`)
}

/** An object of the kind that has the named member. */
export function assertHas(argument: string, value: unknown, member: string, kind: string): void {
  if (typeof value === 'object' && value !== null && member in value) return
  throw refused(argument, `${argument} is ${kind}, found ${given(value)}`)
}

/** An arbitrary of fast-check; by its method, for two copies of that package may be installed. */
export function assertArbitrary(argument: string, value: unknown): void {
  assertHas(argument, value, 'generate', 'an arbitrary of fast-check')
}

/** Options by name: the least whole number of one that counts, or the check that another has to pass. */
export type OptionChecks = Readonly<Record<string, number | ((argument: string, value: unknown) => void)>>

/** Those options that are given, each by its check; others are refused elsewhere (assertKnown). */
export function assertOptions(options: object, checks: OptionChecks): void {
  for (const [name, value] of Object.entries(options)) {
    const check = checks[name]
    if (value === undefined || check === undefined) continue
    if (typeof check === 'number') assertWhole(name, value, check)
    else check(name, value)
  }
}

export function assertBoolean(argument: string, value: unknown): void {
  if (typeof value !== 'boolean') throw refused(argument, `${argument} is true or false, found ${given(value)}`)
}

/** Arbitraries by name, as fields and shapes are. */
export function assertArbitraries(argument: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refused(argument, `${argument} is an object of arbitraries by name, found ${given(value)}`)
  }
  for (const [name, each] of Object.entries(value)) assertArbitrary(`${argument}.${name}`, each)
}
