/**
 * The figures of the long runs: a randomised test says what it has counted, and `npm run torture` adds up what the tests
 * of each part said and prints it as the part's last line. Without BLAZEDB_FIGURES nothing is written.
 */
import { appendFileSync } from 'node:fs'

/** Notes that `count` more `what` ('SIGKILLs survived') belong to a part of the torture. */
export function figure(part: string, what: string, count: number): void {
  const file = process.env['BLAZEDB_FIGURES']
  if (file === undefined || file === '') return
  appendFileSync(file, `${JSON.stringify({ part, what, count })}\n`)
}
