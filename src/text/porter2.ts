/**
 * The English stemmer "Porter2" (M. F. Porter, "The English (Porter2) stemming algorithm", snowballstem.org, 2002),
 * written from its description. It takes a folded word; what has a letter outside a–z, or fewer than three, stays as
 * it is. The result is a key and not a word: `happily` and `happy` both give `happi`.
 *
 * Words of the description: R1 is what follows the first consonant after a vowel, R2 the same again within R1. A short
 * syllable is vowel + consonant other than w, x, Y, or a vowel at the beginning followed by a consonant; a word is short
 * when it ends in one and R1 is empty. Y is a y that acts as a consonant.
 */

const ENGLISH = /^[a-z]+$/
const VOWEL = /[aeiouy]/
const CONSONANT_Y = /^y|(?<=[aeiouy])y/g
const AFTER_SYLLABLE = /[aeiouy][^aeiouy]/
const SHORT_END = /(?:^|[^aeiouy])[aeiouy][^aeiouywxY]$|^[aeiouy][^aeiouy]$/
const DOUBLE = /(?:bb|dd|ff|gg|mm|nn|pp|rr|tt)$/

/** Words that the rules would spoil. */
const EXCEPTIONS: ReadonlyMap<string, string> = new Map([
  ['skis', 'ski'],
  ['skies', 'sky'],
  ['dying', 'die'],
  ['lying', 'lie'],
  ['tying', 'tie'],
  ['idly', 'idl'],
  ['gently', 'gentl'],
  ['ugly', 'ugli'],
  ['early', 'earli'],
  ['only', 'onli'],
  ['singly', 'singl'],
  ['sky', 'sky'],
  ['news', 'news'],
  ['howe', 'howe'],
  ['atlas', 'atlas'],
  ['cosmos', 'cosmos'],
  ['bias', 'bias'],
  ['andes', 'andes'],
])

/** Words that step 1a leaves and that then stay. */
const FINISHED: ReadonlySet<string> = new Set([
  'inning',
  'outing',
  'canning',
  'herring',
  'earring',
  'proceed',
  'exceed',
  'succeed',
])

/** Step 2: longest first; what must lie in R1. */
const STEP_2: readonly (readonly [string, string])[] = [
  ['ization', 'ize'],
  ['ational', 'ate'],
  ['fulness', 'ful'],
  ['ousness', 'ous'],
  ['iveness', 'ive'],
  ['tional', 'tion'],
  ['biliti', 'ble'],
  ['lessli', 'less'],
  ['entli', 'ent'],
  ['ation', 'ate'],
  ['alism', 'al'],
  ['aliti', 'al'],
  ['ousli', 'ous'],
  ['iviti', 'ive'],
  ['fulli', 'ful'],
  ['enci', 'ence'],
  ['anci', 'ance'],
  ['abli', 'able'],
  ['izer', 'ize'],
  ['ator', 'ate'],
  ['alli', 'al'],
  ['bli', 'ble'],
]

/** Step 3: longest first; in R1. */
const STEP_3: readonly (readonly [string, string])[] = [
  ['ational', 'ate'],
  ['tional', 'tion'],
  ['alize', 'al'],
  ['icate', 'ic'],
  ['iciti', 'ic'],
  ['ical', 'ic'],
  ['ness', ''],
  ['ful', ''],
]

/** Step 4: longest first; deleted in R2. */
const STEP_4: readonly string[] = [
  'ement',
  'ance',
  'ence',
  'able',
  'ible',
  'ment',
  'ant',
  'ent',
  'ism',
  'ate',
  'iti',
  'ous',
  'ive',
  'ize',
  'al',
  'er',
  'ic',
]

/** The stem of a folded word. */
export function stemEnglish(folded: string): string {
  if (folded.length < 3 || !ENGLISH.test(folded)) return folded
  const exception = EXCEPTIONS.get(folded)
  if (exception !== undefined) return exception

  const marked = folded.replace(CONSONANT_Y, 'Y')
  const r1 = startOfR1(marked)
  const r2 = endOfSyllable(marked, r1)
  let word = step1a(marked)
  if (FINISHED.has(word)) return word
  word = step1b(word, r1)
  word = step1c(word)
  word = step2(word, r1)
  word = step3(word, r1, r2)
  word = step4(word, r2)
  word = step5(word, r1, r2)
  return word.toLowerCase()
}

function startOfR1(word: string): number {
  const exceptional = /^(?:gener|commun|arsen)/.exec(word)
  return exceptional === null ? endOfSyllable(word, 0) : exceptional[0].length
}

/** The place after the first consonant that follows a vowel, from `from` on; the end when there is none. */
function endOfSyllable(word: string, from: number): number {
  const match = AFTER_SYLLABLE.exec(word.slice(from))
  return match === null ? word.length : from + match.index + 2
}

function isShort(word: string, r1: number): boolean {
  return r1 >= word.length && SHORT_END.test(word)
}

/** Plurals. */
function step1a(word: string): string {
  if (word.endsWith('sses')) return word.slice(0, -2)
  if (word.endsWith('ied') || word.endsWith('ies')) return word.slice(0, word.length > 4 ? -2 : -1)
  if (word.endsWith('us') || word.endsWith('ss') || !word.endsWith('s')) return word
  // A vowel must come before the s, and not right before it: gas, this; gaps.
  return VOWEL.test(word.slice(0, -2)) ? word.slice(0, -1) : word
}

/** Past and participle. */
function step1b(word: string, r1: number): string {
  const eed = /(?:eedly|eed)$/.exec(word)
  if (eed !== null) return eed.index >= r1 ? `${word.slice(0, eed.index)}ee` : word
  const suffix = /(?:ingly|edly|ing|ed)$/.exec(word)
  if (suffix === null) return word
  const rest = word.slice(0, suffix.index)
  if (!VOWEL.test(rest)) return word
  if (/(?:at|bl|iz)$/.test(rest)) return `${rest}e`
  if (DOUBLE.test(rest)) return rest.slice(0, -1)
  return isShort(rest, r1) ? `${rest}e` : rest
}

function step1c(word: string): string {
  return /.[^aeiouy][yY]$/.test(word) ? `${word.slice(0, -1)}i` : word
}

function step2(word: string, r1: number): string {
  for (const [suffix, replacement] of STEP_2) {
    if (word.endsWith(suffix)) return replaceFrom(word, suffix, replacement, r1)
  }
  if (word.endsWith('ogi')) return word.at(-4) === 'l' ? replaceFrom(word, 'ogi', 'og', r1) : word
  if (word.endsWith('li')) return /[cdeghkmnrt]li$/.test(word) ? replaceFrom(word, 'li', '', r1) : word
  return word
}

function step3(word: string, r1: number, r2: number): string {
  if (word.endsWith('ative')) return replaceFrom(word, 'ative', '', r2)
  for (const [suffix, replacement] of STEP_3) {
    if (word.endsWith(suffix)) return replaceFrom(word, suffix, replacement, r1)
  }
  return word
}

function step4(word: string, r2: number): string {
  for (const suffix of STEP_4) {
    if (word.endsWith(suffix)) return replaceFrom(word, suffix, '', r2)
  }
  return /[st]ion$/.test(word) ? replaceFrom(word, 'ion', '', r2) : word
}

function step5(word: string, r1: number, r2: number): string {
  const at = word.length - 1
  if (word.endsWith('e')) {
    const before = word.slice(0, -1)
    return at >= r2 || (at >= r1 && !SHORT_END.test(before)) ? before : word
  }
  return word.endsWith('ll') && at >= r2 ? word.slice(0, -1) : word
}

/** The suffix replaced when it lies in the region that begins at `region`; only the longest suffix is ever tried. */
function replaceFrom(word: string, suffix: string, replacement: string, region: number): string {
  const at = word.length - suffix.length
  return at >= region ? word.slice(0, at) + replacement : word
}
