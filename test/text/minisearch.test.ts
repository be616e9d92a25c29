/**
 * MiniSearch as a third judge of text search: the same documents and random searches, the same sets of records. Its words
 * are made those of support/documents.ts by `tokenize` and `processTerm`; phrases it does not have. Its own words with
 * errors are asked, so that its edit distance is held against ours. Runs where minisearch is installed
 * (npm run bench:setup).
 */
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/platform/seeded-random.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { type Asked, randomAsked } from './support/asked.ts'
import { type Document, FIELDS, folded } from './support/documents.ts'
import { wordsIn } from './support/naive-search.ts'
import { byNumber, judgeHistory, search } from './support/search-history.ts'

/** What is used of MiniSearch. */
type MiniQuery =
  | { combineWith: 'AND' | 'OR' | 'AND_NOT'; queries: MiniQuery[] }
  | { queries: [string]; fields: readonly string[]; prefix: boolean; fuzzy: false | number }
interface MiniSearch {
  addAll(documents: readonly Document[]): void
  search(query: MiniQuery): { readonly id: number }[]
}
type MiniSearchClass = new (options: {
  fields: readonly string[]
  tokenize: (text: string) => string[]
  processTerm: (term: string) => string
}) => MiniSearch

function miniSearchLibrary(): MiniSearchClass | undefined {
  try {
    return createRequire(new URL('../../bench/package.json', import.meta.url))('minisearch') as MiniSearchClass
  } catch {
    return undefined
  }
}

const Library = miniSearchLibrary()
if (Library === undefined)
  process.stderr.write('minisearch.test.ts: minisearch is not installed (npm run bench:setup)\n')

function toMini(asked: Asked): MiniQuery {
  switch (asked.kind) {
    case 'or':
      return { combineWith: 'OR', queries: asked.of.map(toMini) }
    case 'and': {
      const positive: MiniQuery = { combineWith: 'AND', queries: asked.of.map(toMini) }
      return asked.none.length === 0
        ? positive
        : { combineWith: 'AND_NOT', queries: [positive, ...asked.none.map(toMini)] }
    }
    case 'phrase':
      throw new Error('MiniSearch has no phrases')
    default: {
      const fields = asked.field === undefined ? FIELDS : [asked.field]
      const fuzzy = asked.kind === 'fuzzy' && asked.edits
      return { queries: [asked.text], fields, prefix: asked.kind === 'prefix', fuzzy }
    }
  }
}

describe.skipIf(Library === undefined)('MiniSearch', () => {
  it('finds the records that a search finds', async () => {
    const random = seededRandom(seed())
    const judged = { asked: 0, answered: 0 }
    for (let i = 0; i < effort(4); i++) {
      await judgeHistory(random, 150, (docs, documents) => {
        const mini = new Library!({
          fields: FIELDS,
          tokenize: (text) => wordsIn(text).map(({ word }) => word),
          processTerm: folded,
        })
        mini.addAll(documents)
        for (let k = 0; k < 20; k++) {
          const asked = randomAsked(random, { phrases: false }, [])
          const ids = search(docs, asked, random)
            .all()
            .map(({ id }) => id)
          const found = mini.search(toMini(asked)).map(({ id }) => id)
          expect(ids.sort(byNumber), JSON.stringify(asked)).toEqual(found.sort(byNumber))
          judged.asked++
          if (ids.length > 0) judged.answered++
        }
      })
    }
    expect(judged.answered / judged.asked).toBeGreaterThan(0.5)
  })
})
