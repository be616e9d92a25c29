/**
 * A contract: what every implementation of an interface keeps, as named cases that run with any test runner.
 *
 *   import { describe, test } from 'node:test'            // or from 'vitest', or …
 *   fileSystemContract({ describe, test }, 'my files', () => ({ files: myFiles(), folder: '/empty' }))
 */
import { sameValue } from '../../engine/schema.ts'
import { FileError } from '../../platform/platform.ts'
import { assertFunction } from '../arguments.ts'

/** What a contract needs of a test runner: those of vitest, node:test, mocha and jest have it. */
export interface TestRunner {
  describe(name: string, define: () => void): unknown
  test(name: string, run: () => Promise<void> | void): unknown
}

/** One case: a sentence that stays true. */
export interface ContractCase<S> {
  readonly title: string
  readonly run: (subject: S) => Promise<void> | void
}

/** Ends what `begin` began; called after each case, failed ones too. */
export interface Ending {
  readonly end?: () => Promise<void> | void
}

/** Defines a test for each case; each begins with a subject of its own. */
export function defineContract<S>(
  runner: TestRunner,
  title: string,
  contract: { readonly cases: readonly ContractCase<S>[]; readonly begin: () => (S & Ending) | Promise<S & Ending> },
): void {
  for (const name of ['describe', 'test'] as const) assertFunction(`runner.${name}`, runner?.[name])
  assertFunction('begin', contract.begin)
  runner.describe(title, () => {
    for (const { title: name, run } of contract.cases) {
      runner.test(name, async () => {
        const subject = await contract.begin()
        try {
          await run(subject)
        } finally {
          await subject.end?.()
        }
      })
    }
  })
}

/** A broken contract. */
export class ContractError extends Error {
  override readonly name = 'ContractError'
}

/** Throws when the two differ in content. */
export function equal(found: unknown, expected: unknown, about = ''): void {
  if (sameValue(found, expected)) return
  throw new ContractError(`${about === '' ? '' : `${about}: `}expected ${inWords(expected)}, found ${inWords(found)}`)
}

/** The code with which a call refuses, 'no error' when it does not. Other errors than FileErrors are thrown on. */
export function codeOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (error instanceof FileError) return error.code
    throw error
  }
  return 'no error'
}

/** The error that a promise is rejected with; throws when it is not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new ContractError('expected a rejection')
}

/** A property of an error, by name. */
export function propertyOf(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined
}

function inWords(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes [${value.join(' ')}]`
  return typeof value === 'string'
    ? JSON.stringify(value)
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value)
}
