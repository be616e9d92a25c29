/**
 * Random documents of which all agree about what their words are: few words that come often and many that come seldom, in any
 * case, with and without accents, composed and decomposed, and between them spaces, punctuation, `_`, emoji.
 *
 * Left out, because FTS5's unicode61 (remove_diacritics 2) reads it otherwise: letters that Unicode does not decompose (ß
 * æ ø ł: plain letters here, letters of their own there), compatibility forms (² ﬁ Ａ: 2, fi, a here), Greek and Cyrillic
 * marks and final ς (taken away here, kept there), scripts whose vowels are marks (words are cut there) and scripts
 * without spaces (languages.test.ts has those).
 */
import type { SeededRandom } from '../../../src/platform/seeded-random.ts'

export const FIELDS = ['title', 'body', 'tags'] as const

export interface Document {
  readonly id: number
  readonly n: number
  readonly title: string
  readonly body?: string
  readonly tags?: readonly string[]
}

/** From the most frequent on; many are near each other, or begin another. */
export const VOCABULARY: readonly string[] =
  'the login page is broken a café in log logs logon logins user users used über paper pages pager résumé resume naïve error errors terror server serve served async sync x1 x2 404 v20 señor année ångström việt nghị déjà vu data date dates späte spate main maine кот кит код дело тело'.split(
    ' ',
  )

const BETWEEN = [
  ' ',
  ' ',
  ' ',
  ' ',
  ', ',
  '. ',
  '-',
  '_',
  "'",
  '/',
  ' (',
  ') ',
  ' — ',
  '… ',
  ' 🐛 ',
  '\n',
  ':',
  '«',
  '»',
]

/** Low numbers come often, high ones seldom. */
export function pick<T>(random: SeededRandom, of: readonly T[]): T {
  return of[Math.floor(random.next() ** 2.5 * of.length)]!
}

/** What all of these count as the same word. */
export function folded(word: string): string {
  return word
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/gu, '')
    .toLowerCase()
}

/** A word as somebody writes it. */
export function written(random: SeededRandom, word: string): string {
  const draw = random.below(8)
  if (draw === 0) return word.toUpperCase()
  if (draw === 1) return word[0]!.toUpperCase() + word.slice(1)
  if (draw === 2) return folded(word)
  if (draw === 3) return word.normalize('NFD')
  return word
}

function sentence(random: SeededRandom, most: number): string {
  let text = ''
  for (let left = random.below(most + 1); left > 0; left--) {
    text += written(random, pick(random, VOCABULARY)) + BETWEEN[random.below(BETWEEN.length)]!
  }
  return text
}

export function randomDocument(random: SeededRandom, id: number): Document {
  const base = { id, n: random.below(10), title: sentence(random, 6) }
  const tags = Array.from({ length: random.below(4) }, () => sentence(random, 3))
  return {
    ...base,
    ...(random.next() < 0.8 && { body: sentence(random, 24) }),
    ...(random.next() < 0.5 && { tags }),
  }
}
