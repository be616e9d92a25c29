/**
 * The text rows: ranked top 20 over title (weight 3) and description. Peers weigh words by formulas of their own, so that
 * not the order is compared: each row found must match by a reading of the records themselves, and there must be 20, or
 * all that match.
 */
import { sentence } from '../data/english.mjs'

const FTS5 = 'better-sqlite3'
const MINISEARCH = { against: 'minisearch', times: 50 }

/** The words in use, none the beginning of another: what finds words by their beginning answers the same then. */
export function vocabularyOf(records) {
  const all = new Set()
  for (const { title, description } of records.slice(0, 2000)) {
    for (const word of wordsOf(`${title} ${description}`)) all.add(word)
  }
  const words = [...all].sort()
  return words.filter((word, at) => word.length > 3 && !words[at + 1]?.startsWith(word))
}

const wordsOf = (text) => text.split(' ')
const of = (record) => [wordsOf(record.title), wordsOf(record.description)]
const has = (record, test) => of(record).some((words) => words.some(test))

function several(random, vocabulary, count) {
  const words = new Set()
  while (words.size < count) words.add(random.pick(vocabulary))
  return [...words]
}

export const texts = [
  {
    id: 'text-or',
    query: 'or',
    title: 'any of three words',
    parameters: (random, data) => ({ words: several(random, data.vocabulary, 3) }),
    matches: (record, { words }) => has(record, (word) => words.includes(word)),
    goals: [{ against: FTS5, times: 10 }, MINISEARCH],
  },
  {
    id: 'text-and',
    query: 'and',
    title: 'both of two words',
    parameters: (random, data) => ({ words: several(random, data.vocabulary, 2) }),
    matches: (record, { words }) => words.every((wanted) => has(record, (word) => word === wanted)),
    goals: [{ against: FTS5, times: 3 }, MINISEARCH],
  },
  {
    id: 'text-phrase',
    query: 'phrase',
    title: 'a phrase of two words',
    parameters: (random, data) => ({ words: wordsOf(random.pick(data.bugs).description).slice(2, 4) }),
    matches: (record, { words }) =>
      of(record).some((all) => all.some((word, at) => word === words[0] && all[at + 1] === words[1])),
  },
  {
    id: 'text-prefix',
    query: 'prefix',
    title: 'a beginning of three letters',
    parameters: (random, data) => ({ prefix: random.pick(data.vocabulary).slice(0, 3) }),
    matches: (record, { prefix }) => has(record, (word) => word.startsWith(prefix)),
  },
  {
    id: 'text-fuzzy',
    query: 'fuzzy',
    title: 'one edit away from a word',
    parameters: (random, data) => {
      const word = random.pick(data.vocabulary.filter(({ length }) => length > 5))
      return { typo: word.slice(0, 3) + word.slice(4) }
    },
    matches: (record, { typo }) => has(record, (word) => isOneEditAway(word, typo)),
  },
]

/** Other titles for records of the data. */
export function titleUpdates(random, data, count) {
  return Array.from({ length: count }, () => ({ id: random.pick(data.bugs).id, title: sentence(random, 20, 40) }))
}

/** At most one letter added, removed or replaced. */
function isOneEditAway(a, b) {
  if (Math.abs(a.length - b.length) > 1) return false
  let from = 0
  while (from < a.length && a[from] === b[from]) from++
  let back = 0
  while (back < Math.min(a.length, b.length) - from && a[a.length - 1 - back] === b[b.length - 1 - back]) back++
  return Math.max(a.length, b.length) - from - back <= 1
}
