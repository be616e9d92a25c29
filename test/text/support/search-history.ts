/**
 * A collection with a text index through what happens to it: made, changed, changed in a transaction that is kept or not,
 * seen by an older snapshot, written to a checkpoint, opened again. After each, a judge is shown what there is to search
 * and the documents that should be in it.
 */

import { collection } from '../../../src/engine/collection-spec.ts'
import type { SeededRandom } from '../../../src/platform/seeded-random.ts'
import { closeChecked, freshPlatform, openOn } from '../../engine/fixture.ts'
import { type Asked, asObject, inSearchBox } from './asked.ts'
import { type Document, randomDocument } from './documents.ts'
import { wordsIn } from './naive-search.ts'

export const docs = collection<Document>({ search: { title: 3, body: 1, tags: 2 } })

const open = (platform: ReturnType<typeof freshPlatform>) =>
  openOn(platform, { collections: { docs }, durability: 'none' })

/** The collection, as the database or a transaction has it. */
export type Docs = Pick<Awaited<ReturnType<typeof open>>['docs'], 'search'>

export type Judge = (docs: Docs, documents: readonly Document[]) => void

interface Changed {
  insert(document: Document): unknown
  replace(document: Document): unknown
  delete(id: number): unknown
}

const IDS = 400

export async function judgeHistory(random: SeededRandom, size: number, judge: Judge): Promise<void> {
  const platform = freshPlatform()
  let db = await open(platform)
  const model = new Map<number, Document>()
  const asArray = (of: ReadonlyMap<number, Document>): Document[] => [...of.values()]
  const change = async (to: Changed, of: Map<number, Document>): Promise<void> => {
    for (let left = Math.ceil(size / 4); left > 0; left--) {
      const id = random.below(IDS)
      if (random.next() < 0.3) {
        await to.delete(id)
        of.delete(id)
      } else {
        const document = randomDocument(random, id)
        await (of.has(id) ? to.replace(document) : to.insert(document))
        of.set(id, document)
      }
    }
  }
  try {
    while (model.size < size) {
      const document = randomDocument(random, random.below(IDS))
      model.set(document.id, document)
    }
    await db.docs.insertMany(asArray(model))
    judge(db.docs, asArray(model))
    await change(db.docs, model)
    judge(db.docs, asArray(model))

    const before = new Map(model)
    using snapshot = db.snapshot()
    await change(db.docs, model)
    judge(snapshot.docs, asArray(before))
    judge(db.docs, asArray(model))
    snapshot.close()

    for (const isKept of [false, true]) {
      const own = new Map(model)
      using tx = db.begin()
      await change(tx.docs, own)
      judge(tx.docs, asArray(own))
      judge(db.docs, asArray(model))
      if (isKept) await tx.commit()
      else tx.rollback()
      for (const id of isKept ? new Set([...own.keys(), ...model.keys()]) : []) {
        const document = own.get(id)
        if (document === undefined) model.delete(id)
        else model.set(id, document)
      }
      judge(db.docs, asArray(model))
    }

    await db.checkpoint()
    await change(db.docs, model)
    await closeChecked(db)
    db = await open(platform)
    judge(db.docs, asArray(model))
    await change(db.docs, model)
    judge(db.docs, asArray(model))
  } finally {
    await closeChecked(db)
  }
}

/** What is found, in either form of asking. */
export function search(docs: Docs, asked: Asked, random: SeededRandom): ReturnType<Docs['search']> {
  return docs.search(random.next() < 0.6 ? inSearchBox(asked, random) : asObject(asked))
}

export function byNumber(a: number, b: number): number {
  return a - b
}

/** The words of some texts in a row, to ask for phrases that there are. */
export function phrasesOf(documents: readonly Document[]): string[][] {
  return documents
    .slice(0, 20)
    .map(({ title, body = '' }) => wordsIn(`${body || title}`).map(({ word }) => word))
    .filter(({ length }) => length > 1)
}
