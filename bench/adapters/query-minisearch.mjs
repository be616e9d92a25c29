/** MiniSearch in the text rows of the query benchmark: in memory, titles weigh 3. */
import { createRequire } from 'node:module'
export const name = 'minisearch'

export async function load() {
  return createRequire(import.meta.url)('minisearch')
}

export async function openStore(MiniSearch) {
  const records = new Map()
  const index = new MiniSearch({ fields: ['title', 'description'], searchOptions: { boost: { title: 3 } } })
  const found = (text, options) => {
    const rows = []
    for (const { id } of index.search(text, options).slice(0, 20)) rows.push(records.get(id))
    return rows
  }
  const setTitle = ({ id, title }) => {
    const record = { ...records.get(id), title }
    index.replace(record)
    records.set(id, record)
  }
  return {
    insertBatch: (_, batch) => {
      for (const record of batch) {
        records.set(record.id, record)
        index.add(record)
      }
    },
    setTitle,
    setTitles: (updates) => {
      for (const update of updates) setTitle(update)
    },
    queries: {
      or: ({ words }) => found(words.join(' '), { combineWith: 'OR' }),
      and: ({ words }) => found(words.join(' '), { combineWith: 'AND' }),
      prefix: ({ prefix }) => found(prefix, { prefix: true }),
      fuzzy: ({ typo }) => found(typo, { fuzzy: 1 }),
    },
    close: () => undefined,
  }
}
