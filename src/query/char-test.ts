/** What one character of a pattern must be, asked of the platform's engine and remembered (see regex.ts). */

export interface CharTest {
  /** The one character it must be, or -1 when `pattern` has to be asked. */
  readonly code: number
  readonly pattern: RegExp
  /** Answers of the pattern for ASCII characters: 0 not asked, 1 no, 2 yes. */
  readonly asked: Uint8Array
}

/** Tests are shared by all patterns, since compiling one costs more than most matches; dropped when there are many. */
const MAX_TESTS = 512
const tests = new Map<string, CharTest>()

/** The test for one character, class or escape, as written in a pattern with these flags. */
export function charTest(text: string, flags: string): CharTest {
  const key = `${flags}/${text}`
  let test = tests.get(key)
  if (test === undefined) {
    if (tests.size >= MAX_TESTS) tests.clear()
    test = makeTest(text, flags)
    tests.set(key, test)
  }
  return test
}

function makeTest(text: string, flags: string): CharTest {
  // A backslash alone is itself: what `\c` without a letter begins with.
  const isBackslash = text === '\\'
  const isPlain = text !== '.' && text[0] !== '[' && text[0] !== '\\' && !flags.includes('i')
  return {
    code: isPlain || isBackslash ? text.codePointAt(0)! : -1,
    pattern: new RegExp(`^(?:${isBackslash ? '\\\\' : text})$`, flags),
    asked: new Uint8Array(128),
  }
}

/** True when the character (a code point with `unicode`, else a UTF-16 unit) passes. */
export function passes(test: CharTest, code: number, unicode: boolean): boolean {
  if (test.code >= 0) return test.code === code
  if (code >= 128) return test.pattern.test(unicode ? String.fromCodePoint(code) : String.fromCharCode(code))
  if (test.asked[code] === 0) test.asked[code] = test.pattern.test(String.fromCharCode(code)) ? 2 : 1
  return test.asked[code] === 2
}
