/**
 * Random searches, and how each is said: in the syntax of a search box, as an object, to FTS5, to MiniSearch. `and` has
 * something to find, so that no part of it is only taken away: what that means is BlazeDB's own (nothing is found).
 */
import type { SeededRandom } from '../../../src/platform/seeded-random.ts'
import type { SearchObject } from '../../../src/text/capture-search.ts'
import { FIELDS, folded, pick, VOCABULARY, written } from './documents.ts'

export type Asked = { readonly kind: 'and'; readonly of: readonly Asked[]; readonly none: readonly Asked[] } | Found

type Found = { readonly kind: 'or'; readonly of: readonly Asked[] } | AskedLeaf

/** Words as they are written in the search: in any case, with or without their accents. */
export type AskedLeaf =
  | { readonly kind: 'word'; readonly text: string; readonly field: string | undefined }
  | { readonly kind: 'prefix'; readonly text: string; readonly field: string | undefined }
  | { readonly kind: 'fuzzy'; readonly text: string; readonly edits: 1 | 2; readonly field: string | undefined }
  | { readonly kind: 'phrase'; readonly words: readonly string[]; readonly field: string | undefined }

export interface AskedKinds {
  readonly phrases: boolean
}

/** `phrases`: word sequences that the documents have. */
export function randomAsked(random: SeededRandom, kinds: AskedKinds, phrases: readonly string[][], depth = 3): Asked {
  if (depth === 0 || random.next() < 0.3) return randomLeaf(random, kinds, phrases)
  const parts = (most: number): Asked[] =>
    Array.from({ length: 1 + random.below(most) }, () => randomAsked(random, kinds, phrases, depth - 1))
  if (random.next() < 0.5) return { kind: 'or', of: [...parts(2), ...parts(1)] }
  return { kind: 'and', of: parts(2), none: random.next() < 0.4 ? parts(2) : [] }
}

function randomLeaf(random: SeededRandom, kinds: AskedKinds, phrases: readonly string[][]): AskedLeaf {
  const field = random.next() < 0.25 ? FIELDS[random.below(FIELDS.length)] : undefined
  const word = written(random, pick(random, VOCABULARY))
  const draw = random.next()
  if (draw < 0.15 && kinds.phrases) return { kind: 'phrase', words: randomPhrase(random, phrases), field }
  if (draw < 0.3) return { kind: 'prefix', text: word.slice(0, 1 + random.below(word.length)).normalize('NFC'), field }
  if (draw < 0.45) return { kind: 'fuzzy', text: misspelt(random, folded(word)), edits: random.below(2) ? 2 : 1, field }
  return { kind: 'word', text: word, field }
}

/** Most of them stand in a document. */
function randomPhrase(random: SeededRandom, phrases: readonly string[][]): string[] {
  const words = phrases.length > 0 && random.next() < 0.8 ? phrases[random.below(phrases.length)]! : VOCABULARY
  const start = random.below(Math.max(1, words.length - 1))
  return words.slice(start, start + 2 + random.below(2)).map((word) => written(random, word))
}

function misspelt(random: SeededRandom, word: string): string {
  const at = random.below(word.length)
  const letter = 'aeilnoqz'[random.below(8)]!
  const end = word.slice(at + random.below(2))
  return random.next() < 0.6 ? word.slice(0, at) + letter + end : word.slice(0, at) + word.slice(at + 1) || word
}

/** In the syntax of a search box; what needs no parentheses has them sometimes. */
export function inSearchBox(asked: Asked, random: SeededRandom): string {
  const inner = (part: Asked): string =>
    part.kind === 'and' || part.kind === 'or' ? `(${inSearchBox(part, random)})` : inSearchBox(part, random)
  switch (asked.kind) {
    case 'or':
      return asked.of
        .map((part) => (part.kind === 'and' && random.next() < 0.5 ? inSearchBox(part, random) : inner(part)))
        .join(' OR ')
    case 'and': {
      const none = asked.none.map((part) => `${random.next() < 0.5 ? '-' : 'NOT '}${inner(part)}`)
      return [...asked.of.map(inner), ...none].join(random.next() < 0.2 ? ' AND ' : ' ')
    }
    default: {
      const field = asked.field === undefined ? '' : `${asked.field}:`
      if (asked.kind === 'phrase') return `${field}"${asked.words.join(' ')}"`
      if (asked.kind === 'fuzzy') return `${field}${asked.text}~${asked.edits === 1 ? '' : 2}`
      return `${field}${asked.text}${asked.kind === 'prefix' ? '*' : ''}`
    }
  }
}

export function asObject(asked: Asked): SearchObject {
  switch (asked.kind) {
    case 'or':
      return { any: asked.of.map(asObject) }
    case 'and': {
      const none = asked.none.length === 0 ? {} : { none: asked.none.map(asObject) }
      return { all: asked.of.map(asObject), ...none }
    }
    default: {
      const field = asked.field === undefined ? {} : { field: asked.field }
      if (asked.kind === 'phrase') return { ...field, phrase: asked.words.join(' ') }
      if (asked.kind === 'fuzzy') return { ...field, fuzzy: { word: asked.text, edits: asked.edits } }
      return asked.kind === 'prefix' ? { ...field, prefix: asked.text } : { ...field, all: [asked.text] }
    }
  }
}

/** What it looks for, without what it takes away. */
export function leavesOf(asked: Asked): AskedLeaf[] {
  return asked.kind === 'and' || asked.kind === 'or' ? asked.of.flatMap(leavesOf) : [asked]
}
