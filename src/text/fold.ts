/**
 * What counts as the same word. `foldWord` takes away what people leave out when they type: case, accents, ligatures,
 * widths. Documents and queries go through this one function.
 *
 *   1. compatibility decomposition (NFKD): ﬁ → fi, ² → 2, Ａ → A, é → e + accent
 *   2. lower case, of no locale
 *   3. accents off: the combining marks of Latin, Greek and Cyrillic (U+0300–036F), Hebrew points, Arabic vowel signs and
 *      the tatweel. Marks of other scripts are vowels, or make another letter (का, が), and stay.
 *   4. letters that Unicode does not decompose: ß → ss, æ → ae, ø → o, ł → l …; ς → σ
 *   5. composed again (NFC), so that a Korean syllable or が is one character
 *
 * Folding is idempotent. A word of nothing but marks folds to the empty string, and is then no word.
 */

const NON_ASCII = /[^\0-\x7f]/

const MARKS = /[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u065f\u0670]/g

/** Letters without a decomposition that are typed as others. */
const PLAIN: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ł: 'l',
  ħ: 'h',
  ı: 'i',
  ĸ: 'k',
  ŋ: 'n',
  ŧ: 't',
  ς: 'σ',
}
const SPECIAL = /[ßæœøđðþłħıĸŋŧς]/g

/** The form under which a word is indexed and sought. */
export function foldWord(word: string): string {
  if (!NON_ASCII.test(word)) return word.toLowerCase()
  return (
    word
      .normalize('NFKD')
      .toLowerCase()
      // Lower case can bring marks (İ) and other compositions; decomposed once more, nothing is hidden in a letter.
      .normalize('NFKD')
      .replace(MARKS, '')
      .replace(SPECIAL, (letter) => PLAIN[letter]!)
      .normalize('NFC')
  )
}
