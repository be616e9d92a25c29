/**
 * SQLite's FTS5 (unicode61, remove_diacritics 2) as a second judge of text search: the same documents, the same random
 * searches, the same sets of records. support/documents.ts says what was left out of the documents, and why. FTS5 has no
 * words with errors: there it is asked for the words of its own vocabulary that are near enough.
 *
 * Scores are BM25 with k1 = 1.2 and b = 0.75 on both sides; what differs is the worth of a word that n of N documents have:
 *
 *   here   ln(1 + (N − n + 0.5) / (n + 0.5))          above 0 for every word
 *   FTS5   ln((N − n + 0.5) / (n + 0.5)), at least 1e-6: a word in half of the documents or more counts nothing
 *
 * So a single word ranks alike, and several need not: both are computed here by the definition, and each side must give
 * its own figures; where both figures order two documents alike, both sides must. Runs where better-sqlite3 is installed
 * (npm run bench:setup).
 */
import { describe, expect, it } from 'vitest'
import { sqliteLibrary } from '../../bench/differential/sqlite.ts'
import { collection } from '../../src/engine/collection-spec.ts'
import { type SeededRandom, seededRandom } from '../../src/platform/seeded-random.ts'
import { withDatabase } from '../engine/fixture.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { type Asked, randomAsked } from './support/asked.ts'
import { type Document, FIELDS, folded, pick, VOCABULARY } from './support/documents.ts'
import { isNear, wordsIn } from './support/naive-search.ts'
import { byNumber, judgeHistory, phrasesOf, search } from './support/search-history.ts'

const Library = sqliteLibrary()
if (Library === undefined) process.stderr.write('fts5.test.ts: better-sqlite3 is not installed (npm run bench:setup)\n')

const TOKENIZER = `tokenize="unicode61 remove_diacritics 2"`
/** FTS5 cannot say that there is nothing. */
const NO_WORD = '"nosuchword"'

interface Found {
  readonly id: number
  readonly score: number
}

interface Fts5 {
  /** All words that it has. */
  readonly words: readonly string[]
  find(match: string): Found[]
  close(): void
}

function openFts5(
  columns: readonly string[],
  rows: readonly { readonly id: number; readonly values: string[] }[],
): Fts5 {
  const db = new Library!(':memory:')
  db.exec(`CREATE VIRTUAL TABLE docs USING fts5(${columns.join(', ')}, ${TOKENIZER})`)
  db.exec(`CREATE VIRTUAL TABLE words USING fts5vocab(docs, 'row')`)
  const insert = db.prepare(`INSERT INTO docs(rowid, ${columns.join(', ')}) VALUES (?, ${columns.map(() => '?')})`)
  for (const { id, values } of rows) insert.run(id, ...values)
  return {
    words: db
      .prepare('SELECT term FROM words')
      .all()
      .map(({ term }) => String(term)),
    find: (match) =>
      db
        .prepare(`SELECT rowid AS id, -bm25(docs) AS score FROM docs WHERE docs MATCH '${match}' ORDER BY rowid`)
        .all()
        .map(({ id, score }) => ({ id: Number(id), score: Number(score) })),
    close: () => db.close(),
  }
}

/** Elements of an array are kept apart by a word that nobody looks for, so that no phrase goes over it. */
function rowOf({ id, title, body = '', tags = [] }: Document): { id: number; values: string[] } {
  return { id, values: [title, body, tags.join(' 0between0 ')] }
}

function toMatch(asked: Asked, words: readonly string[]): string {
  const each = (of: readonly Asked[], operator: string): string =>
    of.map((part) => `(${toMatch(part, words)})`).join(operator)
  switch (asked.kind) {
    case 'or':
      return each(asked.of, ' OR ')
    case 'and': {
      const positive = each(asked.of, ' AND ')
      return asked.none.length === 0 ? positive : `(${positive}) NOT (${each(asked.none, ' OR ')})`
    }
    default: {
      const field = asked.field === undefined ? '' : `${asked.field} : `
      if (asked.kind === 'phrase') return `${field}"${asked.words.join(' ')}"`
      if (asked.kind === 'word') return `${field}"${asked.text}"`
      if (asked.kind === 'prefix') return `${field}"${asked.text}" *`
      const near = words.filter((word) => isNear(word, folded(asked.text), asked.edits))
      return `${field}(${near.length === 0 ? NO_WORD : near.map((word) => `"${word}"`).join(' OR ')})`
    }
  }
}

const K1 = 1.2
const B = 0.75

/** BM25 of the sum of words by the definition, with either worth of a word. */
function bm25(texts: readonly string[][], words: readonly string[], worth: (n: number, N: number) => number): number[] {
  const average = texts.reduce((sum, { length }) => sum + length, 0) / texts.length
  return texts.map((text) =>
    words.reduce((sum, word) => {
      const n = texts.filter((other) => other.includes(word)).length
      const tf = text.filter((other) => other === word).length
      return sum + (worth(n, texts.length) * tf * (K1 + 1)) / (tf + K1 * (1 - B + (B * text.length) / average))
    }, 0),
  )
}

const worthHere = (n: number, N: number): number => Math.log(1 + (N - n + 0.5) / (n + 0.5))
const worthThere = (n: number, N: number): number => Math.max(1e-6, Math.log((N - n + 0.5) / (n + 0.5)))

/** Words of one field: some in nearly all, some in one. */
function randomText(random: SeededRandom): string {
  return Array.from({ length: 1 + random.below(20) }, () => pick(random, VOCABULARY)).join(' ')
}

const TIE = 1e-9

/** 1, 0, −1: which one comes first, by more than rounding. */
function order(a: number, b: number): number {
  return Math.abs(a - b) <= TIE ? 0 : Math.sign(b - a)
}

describe.skipIf(Library === undefined)('FTS5', () => {
  it('finds the records that a search finds', async () => {
    const random = seededRandom(seed())
    const judged = { asked: 0, answered: 0 }
    for (let i = 0; i < effort(4); i++) {
      await judgeHistory(random, 150, (docs, documents) => {
        const fts5 = openFts5(FIELDS, documents.map(rowOf))
        const phrases = phrasesOf(documents)
        for (let k = 0; k < 20; k++) {
          const asked = randomAsked(random, { phrases: true }, phrases)
          const match = toMatch(asked, fts5.words)
          const ids = search(docs, asked, random)
            .all()
            .map(({ id }) => id)
          expect(ids.sort(byNumber), match).toEqual(fts5.find(match).map(({ id }) => id))
          judged.asked++
          if (ids.length > 0) judged.answered++
        }
        fts5.close()
      })
    }
    expect(judged.answered / judged.asked).toBeGreaterThan(0.5)
  })

  it('ranks by the same BM25, but for what frequent words are worth', async () => {
    const random = seededRandom(seed())
    const docs = collection<{ id: number; text: string }>({ search: { text: 1 } })
    let agreed = 0
    let rare = 0
    for (let i = 0; i < effort(5); i++) {
      await withDatabase(
        async (db) => {
          const records = Array.from({ length: 200 }, (_, at) => ({ id: at + 1, text: randomText(random) }))
          await db.docs.insertMany(records)
          const fts5 = openFts5(
            ['text'],
            records.map(({ id, text }) => ({ id, values: [text] })),
          )
          const texts = records.map(({ text }) => wordsIn(text).map(({ word }) => word))
          for (let k = 0; k < 12; k++) {
            const count = 1 + random.below(3)
            const words = [...new Set(Array.from({ length: count }, () => folded(pick(random, VOCABULARY))))]
            const here = bm25(texts, words, worthHere)
            const there = bm25(texts, words, worthThere)
            const rows = db.docs.search({ any: words }).all()
            const found = fts5.find(words.map((word) => `"${word}"`).join(' OR '))
            expect(rows.map(({ id }) => id).sort(byNumber)).toEqual(found.map(({ id }) => id))
            for (const { id, $score } of rows) expect(Math.abs($score - here[id - 1]!)).toBeLessThan(TIE)
            for (const { id, score } of found) expect(Math.abs(score - there[id - 1]!)).toBeLessThan(TIE)
            const scores = new Map(found.map(({ id, score }) => [id, score]))
            for (let at = 1; at < rows.length; at++) {
              const [a, b] = [rows[at - 1]!, rows[at]!]
              const expected = order(here[a.id - 1]!, here[b.id - 1]!)
              if (expected !== order(there[a.id - 1]!, there[b.id - 1]!)) continue
              expect(order(a.$score, b.$score), words.join()).toBe(expected)
              expect(order(scores.get(a.id)!, scores.get(b.id)!), words.join()).toBe(expected)
              agreed++
            }
            if (words.length === 1 && rows.length * 2 < records.length) rare++
          }
          fts5.close()
        },
        { collections: { docs } },
      )
    }
    expect(Math.min(agreed, rare)).toBeGreaterThan(0)
  })
})
