/** Searches answered by reading: words are what a regular expression finds, each document is looked at for each query. */
import { naiveDistance } from '../naive.ts'
import { type Asked, type AskedLeaf, leavesOf } from './asked.ts'
import { type Document, FIELDS, folded } from './documents.ts'

/** One text: a field, or an element of an array. */
interface ReadText {
  readonly field: string
  readonly element: number
  readonly words: readonly { readonly word: string; readonly start: number; readonly end: number }[]
}

/** A word that is looked for, by its place, as `$highlights` has it. */
export interface Place {
  readonly field: string
  readonly element: number
  readonly start: number
  readonly end: number
}

export function textsIn(document: Document): { field: string; element: number; text: string }[] {
  return FIELDS.flatMap((field) => {
    const value = document[field] ?? []
    return (typeof value === 'string' ? [value] : value).map((text, element) => ({ field, element, text }))
  })
}

export function wordsIn(text: string): ReadText['words'] {
  return [...text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)].map(({ 0: word, index }) => ({
    word: folded(word),
    start: index,
    end: index + word.length,
  }))
}

const known = new WeakMap<Document, readonly ReadText[]>()

/** Documents are read once: they do not change. */
function read(document: Document): readonly ReadText[] {
  let texts = known.get(document)
  if (texts === undefined) {
    texts = textsIn(document).map(({ field, element, text }) => ({ field, element, words: wordsIn(text) }))
    known.set(document, texts)
  }
  return texts
}

export function isFound(asked: Asked, document: Document): boolean {
  const texts = read(document)
  const finds = (part: Asked): boolean => {
    if (part.kind === 'or') return part.of.some(finds)
    if (part.kind === 'and') return part.of.every(finds) && !part.none.some(finds)
    return texts.some((text) => marksOf(part, text).includes(true))
  }
  return finds(asked)
}

/** The words of the document that any leaf looks for, rising. */
export function placesOf(asked: Asked, document: Document): Place[] {
  const leaves = leavesOf(asked)
  return read(document).flatMap((text) => {
    const marks = leaves.map((leaf) => marksOf(leaf, text))
    return text.words.flatMap(({ start, end }, i) =>
      marks.some((of) => of[i]) ? [{ field: text.field, element: text.element, start, end }] : [],
    )
  })
}

/** By word of the text, whether the leaf finds it. */
function marksOf(leaf: AskedLeaf, { field, words }: ReadText): boolean[] {
  if (leaf.field !== undefined && leaf.field !== field) return words.map(() => false)
  if (leaf.kind !== 'phrase') return words.map(({ word }) => isWordOf(leaf, word))
  const phrase = leaf.words.map(folded)
  const begins = words.map((_, i) => phrase.every((word, k) => words[i + k]?.word === word))
  return words.map((_, i) => phrase.some((_, k) => begins[i - k] === true))
}

function isWordOf(leaf: Exclude<AskedLeaf, { kind: 'phrase' }>, word: string): boolean {
  const text = folded(leaf.text)
  if (leaf.kind === 'word') return word === text
  if (leaf.kind === 'prefix') return word.startsWith(text)
  return isNear(word, text, leaf.edits)
}

export function isNear(a: string, b: string, edits: number): boolean {
  return Math.abs(a.length - b.length) <= edits && naiveDistance(a, b) <= edits
}
