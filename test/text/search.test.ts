/**
 * Text search by the public API against reading each document with a regular expression (support/naive-search.ts):
 * random documents and searches, through changes, transactions, snapshots, checkpoints and openings. fts5.test.ts and
 * minisearch.test.ts hold the same against those libraries, where they are installed.
 */
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/platform/seeded-random.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { randomAsked } from './support/asked.ts'
import { folded } from './support/documents.ts'
import { isFound, placesOf, textsIn, wordsIn } from './support/naive-search.ts'
import { byNumber, judgeHistory, phrasesOf, search } from './support/search-history.ts'

describe('a search', () => {
  it('finds what reading finds, the best first, ties by id, in any state of the data', async () => {
    const random = seededRandom(seed())
    let answered = 0
    let asked = 0
    for (let i = 0; i < effort(3); i++) {
      await judgeHistory(random, 120, (docs, documents) => {
        const phrases = phrasesOf(documents)
        for (let k = 0; k < 12; k++) {
          const query = randomAsked(random, { phrases: true }, phrases)
          const expected = documents.filter((document) => isFound(query, document))
          const rows = search(docs, query, random).all()
          const shown = JSON.stringify(query)
          expect(rows.map(({ id }) => id).sort(byNumber), shown).toEqual(expected.map(({ id }) => id).sort(byNumber))
          rows.forEach((row, at) => {
            const before = rows[at - 1]
            const isInOrder =
              before === undefined || before.$score > row.$score || (before.$score === row.$score && before.id < row.id)
            expect(isInOrder && row.$score > 0, shown).toBe(true)
          })
          expect(search(docs, query, random).count(), shown).toBe(rows.length)
          expect(search(docs, query, random).limit(3).all(), shown).toEqual(rows.slice(0, 3))
          const few = search(docs, query, random).where({ n: { lt: 4 } })
          expect(few.limit(4).all(), shown).toEqual(rows.filter(({ n }) => n < 4).slice(0, 4))
          asked++
          if (rows.length > 0) answered++
        }
      })
    }
    expect(answered / asked).toBeGreaterThan(0.5)
  })

  it('shows where the words are that it looks for, all of them and no others', async () => {
    const random = seededRandom(seed() + 1)
    let shown = 0
    for (let i = 0; i < effort(3); i++) {
      await judgeHistory(random, 60, (docs, documents) => {
        const byId = new Map(documents.map((document) => [document.id, document]))
        const phrases = phrasesOf(documents)
        for (let k = 0; k < 6; k++) {
          const query = randomAsked(random, { phrases: true }, phrases)
          for (const row of search(docs, query, random).highlights().limit(10).all()) {
            const document = byId.get(row.id)!
            expect(row.$highlights, JSON.stringify([query, document])).toEqual(placesOf(query, document))
            for (const { field, element, start, end } of row.$highlights) {
              const found = textsIn(document).find((text) => text.field === field && text.element === element)!
              expect(wordsIn(found.text).map(({ word }) => word)).toContain(folded(found.text.slice(start, end)))
              shown++
            }
          }
        }
      })
    }
    expect(shown).toBeGreaterThan(100)
  })
})
