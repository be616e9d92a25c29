/**
 * Regular expressions that cannot run away.
 *
 * JavaScript's own engine backtracks: `(a+)+$` against thirty letters and an exclamation mark stops the process for
 * minutes, and a filter may come from somebody else. Here a pattern becomes a nondeterministic automaton (Thompson,
 * "Regular expression search algorithm", 1968) and all its states advance together, one character at a time, so time
 * is at most text × states whatever the pattern. Sets of states that were met are kept as states of a deterministic
 * automaton, built while it runs and bounded (regex-machine.ts), which makes the usual step one array access.
 *
 *   source ──parse──► tree ──compile──► program (CHAR, SPLIT, ASSERT, MATCH) ──► machine ──► yes or no
 *
 * The syntax is JavaScript's without what cannot be done in linear time: look-around and back-references are refused.
 * Flags: i, s, u. The match is unanchored, as `test` is. What one character matches (a class, an escape, ignoring
 * case) is asked of the platform's engine, one character at a time: that cannot backtrack, and so cannot differ.
 */
import { BlazeError } from '../base/errors.ts'
import { RegexMachine } from './regex-machine.ts'
import { parseRegex, RegexRefusal } from './regex-parse.ts'
import { compileProgram } from './regex-program.ts'

/** Longest pattern; longer ones are lists of words and belong into `in` or a search index. */
const MAX_PATTERN_LENGTH = 2_000

/** A compiled pattern. Keeps its automaton between calls, so use one for many texts. */
export interface RegexMatcher {
  test(text: string): boolean
}

/** Compiles a pattern, or throws INVALID_QUERY naming `at` when it is not one or uses what is not supported. */
export function compileRegex(source: string, flags: string, at: string): RegexMatcher {
  if (!/^[isu]*$/.test(flags)) throw refused(at, `the flags '${flags}' (only i, s and u are supported)`)
  if (source.length > MAX_PATTERN_LENGTH) throw refused(at, `a pattern longer than ${MAX_PATTERN_LENGTH} characters`)
  try {
    new RegExp(source, flags)
  } catch (cause) {
    throw refused(at, `what is not a regular expression: ${(cause as Error).message}`, cause)
  }
  try {
    return new RegexMachine(compileProgram(parseRegex(source, flags)), flags)
  } catch (cause) {
    if (cause instanceof RegexRefusal) throw refused(at, cause.message)
    throw cause
  }
}

function refused(at: string, what: string, cause?: unknown): BlazeError<'INVALID_QUERY'> {
  return new BlazeError(
    'INVALID_QUERY',
    `The query is refused: the regex at ${at} has ${what}.`,
    { path: at },
    { cause },
  )
}
