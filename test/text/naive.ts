/** A text index in the plainest way: all documents, tokenised, looked at one by one. */
import type { FieldText } from '../../src/text/text-fields.ts'
import type { TextQuery } from '../../src/text/text-query.ts'
import { newWordList, tokenize } from '../../src/text/tokenize.ts'

export interface NaiveStatistics {
  readonly documents: number
  readonly averageLength: number
  /** Documents with the word, as the index counts them. */
  frequencyOf(word: string): number
  /** All words that any document ever had. */
  readonly vocabulary: Iterable<string>
}

interface Word {
  readonly word: string
  readonly field: number
  readonly element: number
  readonly at: number
}

export interface NaiveSpec {
  readonly fields: readonly string[]
  readonly weights: readonly number[]
}

export function wordsOf(texts: readonly FieldText[]): Word[] {
  return texts.flatMap((text, field) =>
    (typeof text === 'string' ? [text] : (text ?? [])).flatMap((part, element) => {
      const list = newWordList()
      tokenize(part, list)
      return Array.from({ length: list.count }, (_, at) => ({ word: list.words[at]!, field, element, at }))
    }),
  )
}

export function naiveLength(texts: readonly FieldText[], spec: NaiveSpec): number {
  return wordsOf(texts).reduce((sum, { field }) => sum + spec.weights[field]!, 0)
}

/** The score, or undefined when the texts do not match. */
export function naiveScore(
  query: TextQuery,
  texts: readonly FieldText[],
  spec: NaiveSpec,
  statistics: NaiveStatistics,
): number | undefined {
  const words = wordsOf(texts)
  const length = naiveLength(texts, spec)
  const part = (tf: number, idf: number): number | undefined =>
    tf === 0 ? undefined : (idf * 2.2 * tf) / (tf + 1.2 * (1 - 0.75 + (0.75 * length) / statistics.averageLength))
  const idf = (n: number): number => {
    const frequency = Math.min(n, statistics.documents)
    return Math.log(1 + (statistics.documents - frequency + 0.5) / (frequency + 0.5))
  }
  const isIn = (word: Word, field: string | undefined): boolean =>
    field === undefined || spec.fields[word.field] === field
  const evaluate = (node: TextQuery): number | undefined => {
    switch (node.kind) {
      case 'not':
        return undefined
      case 'or': {
        const scores = node.of.map(evaluate).filter((score) => score !== undefined)
        return scores.length === 0 ? undefined : scores.reduce((a, b) => a + b, 0)
      }
      case 'and': {
        const flat = node.of.flatMap(function flatten(child): readonly TextQuery[] {
          return child.kind === 'and' ? child.of.flatMap(flatten) : [child]
        })
        const positive = flat.filter((child) => child.kind !== 'not')
        const scores = positive.map(evaluate)
        if (scores.length === 0 || scores.includes(undefined)) return undefined
        if (flat.some((child) => child.kind === 'not' && evaluate(child.of) !== undefined)) return undefined
        return scores.reduce((sum: number, score) => sum + score!, 0)
      }
      case 'term':
      case 'phrase': {
        const list = newWordList()
        tokenize(node.text, list)
        const wanted = list.words.slice(0, list.count)
        let tf = 0
        words.forEach((first, i) => {
          const fits = wanted.every((word, k) => {
            const here = words[i + k]
            return here?.word === word && here.field === first.field && here.element === first.element
          })
          if (fits && isIn(first, node.field)) tf += spec.weights[first.field]!
        })
        return part(
          tf,
          wanted.reduce((sum, word) => sum + idf(statistics.frequencyOf(word)), 0),
        )
      }
      default: {
        const edits = (word: string): number =>
          node.kind === 'prefix' ? (word.startsWith(node.text) ? 0 : 9) : naiveDistance(node.text, word)
        const limit = node.kind === 'fuzzy' ? node.edits : 0
        let tf = 0
        for (const word of words) {
          if (isIn(word, node.field) && edits(word.word) <= limit)
            tf += spec.weights[word.field]! / (1 + edits(word.word))
        }
        let frequency = 0
        for (const word of statistics.vocabulary) {
          if (edits(word) <= limit) frequency += statistics.frequencyOf(word)
        }
        return part(tf, idf(frequency))
      }
    }
  }
  return evaluate(query)
}

/** The distance of two texts in code points, by the definition. */
export function naiveDistance(a: string, b: string): number {
  const from = [...a]
  const to = [...b]
  const known = new Map<number, number>()
  const distance = (i: number, k: number): number => {
    if (i === 0 || k === 0) return i + k
    const key = i * 1000 + k
    const before = known.get(key)
    if (before !== undefined) return before
    const least = Math.min(
      distance(i - 1, k) + 1,
      distance(i, k - 1) + 1,
      distance(i - 1, k - 1) + (from[i - 1] === to[k - 1] ? 0 : 1),
    )
    known.set(key, least)
    return least
  }
  return distance(from.length, to.length)
}
