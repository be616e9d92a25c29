import { describe, expect, it } from 'vitest'
import { type CollectionOptions, collection } from '../../../src/engine/collection-spec.ts'
import { Database } from '../../../src/engine/database.ts'
import type { MemoryPlatform } from '../../../src/platform/memory-platform.ts'
import type { TextSpec } from '../../../src/text/text-fields.ts'
import { closeChecked, freshPlatform, openOn } from '../fixture.ts'

/** What the database holds as declared after an open with these options. */
async function openedWith(platform: MemoryPlatform, options: CollectionOptions): Promise<TextSpec | undefined> {
  const db = await openOn(platform, { collections: { bugs: collection(options) } })
  await db.bugs.upsert({ id: 1, title: 'Login broken' })
  const { text } = Database.coreOf(db).collections.get('bugs')!.description
  await closeChecked(db)
  return text
}

/** What it holds for code that declares nothing. */
async function stored(platform: MemoryPlatform): Promise<TextSpec | undefined> {
  const db = await openOn(platform)
  const { text } = Database.coreOf(db).collections.get('bugs')!.description
  await closeChecked(db)
  return text
}

describe('search: { field: weight }', () => {
  it('is stored with the collection, as it was declared last', async () => {
    const platform = freshPlatform()
    const first = {
      fields: [
        { path: 'title', weight: 3 },
        { path: 'author.name', weight: 1 },
      ],
    }
    expect(await openedWith(platform, { search: { title: 3, 'author.name': 1 } })).toEqual(first)
    expect(await stored(platform)).toEqual(first)
    const second = { fields: [{ path: 'title', weight: 2 }], language: 'english', stopWords: ['a', 'the'] }
    const options = { language: 'english', stopWords: ['the', 'a', 'the'] } as const
    expect(await openedWith(platform, { search: { title: 2 }, searchOptions: options })).toEqual(second)
    expect(await stored(platform)).toEqual(second)
    expect(await openedWith(platform, {})).toBeUndefined()
    expect(await stored(platform)).toBeUndefined()
  })

  it('outlives a rename and a new version of the schema', async () => {
    const platform = freshPlatform()
    await openedWith(platform, { search: { title: 1 } })
    expect(await openedWith(platform, { search: { title: 1 }, version: 2 })).toEqual({
      fields: [{ path: 'title', weight: 1 }],
    })
    const db = await openOn(platform)
    await db.renameCollection('bugs', 'faults')
    expect(Database.coreOf(db).collections.get('faults')!.description.text?.fields).toHaveLength(1)
    await closeChecked(db)
  })

  it.each<[string, object]>([
    ['no fields', { search: {} }],
    ['a weight of zero', { search: { title: 0 } }],
    ['a weight that is no number', { search: { title: 'much' } }],
    ['one field by two names', { search: { 'a.b': 1, 'a.b\\': 1, '': 1 } }],
    ['a list of fields', { search: ['title'] }],
    ['an unknown language', { search: { title: 1 }, searchOptions: { language: 'klingon' } }],
    ['stop words that are none', { search: { title: 1 }, searchOptions: { stopWords: [1] } }],
    ['an unknown option', { search: { title: 1 }, searchOptions: { stemming: true } }],
    ['options without fields', { searchOptions: { language: 'english' } }],
  ])('with %s is INVALID_ARGUMENT, and nothing is made', async (_, options) => {
    const platform = freshPlatform()
    const opening = openOn(platform, { collections: { bugs: collection(options as CollectionOptions) } })
    await expect(opening).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    const db = await openOn(platform)
    expect(db.collections()).toEqual([])
    await closeChecked(db)
  })
})
