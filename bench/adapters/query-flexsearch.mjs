/** FlexSearch in the text rows of the query benchmark: in memory. It has no weights of fields and ranks by position. */
import { createRequire } from 'node:module'
export const name = 'flexsearch'

export async function load() {
  return createRequire(import.meta.url)('flexsearch')
}

export async function openStore({ Document }) {
  // Numbers are its quickest ids.
  const records = []
  const numbers = new Map()
  const field = (name) => ({ field: name, tokenize: 'forward', fastupdate: true })
  const index = new Document({
    fastupdate: true,
    document: { id: 'number', index: [field('title'), field('description')] },
  })
  const found = (text, options) => {
    const rows = []
    for (const { id } of index.search(text, { limit: 20, merge: true, ...options }).slice(0, 20)) rows.push(records[id])
    return rows
  }
  const setTitle = ({ id, title }) => {
    const number = numbers.get(id)
    records[number] = { ...records[number], title }
    index.update(records[number])
  }
  return {
    insertBatch: (_, batch) => {
      for (const record of batch) {
        const numbered = { ...record, number: records.length }
        numbers.set(record.id, numbered.number)
        records.push(numbered)
        index.add(numbered)
      }
    },
    setTitle,
    setTitles: (updates) => {
      for (const update of updates) setTitle(update)
    },
    queries: {
      or: ({ words }) => found(words.join(' '), { suggest: true }),
      and: ({ words }) => found(words.join(' '), {}),
      prefix: ({ prefix }) => found(prefix, {}),
    },
    close: () => undefined,
  }
}
