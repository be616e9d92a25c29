/** What is kept of the records beside their tables: columns and text indexes. */
import { isBlazeError } from '../../base/errors.ts'
import type { Documents } from '../../text/documents.ts'
import { TextIndex } from '../../text/text-index.ts'
import type { CollectionState } from '../collection-state.ts'
import type { Core } from '../core.ts'
import type { TextState } from '../text-state.ts'
import { type Check, problem } from './problem.ts'

/** Records whose text is compared in one turn. */
const TEXTS_AT_ONCE = 64

/** Where a query has asked for columns: they know which slots have a record. In one turn. */
export function* checkColumns(core: Core, collection: CollectionState): Check {
  const derived = core.derived.made(collection)
  if (derived === undefined || collection.dropped) return
  const { live } = derived.columns.prepare([]).finish()
  const { heap, name } = collection
  const place = { collection: name }
  for (let slot = 0; slot < heap.slots.highSlot; slot++) {
    if ((live.bytes[slot] === 1) === heap.isLive(slot)) continue
    yield problem('columns', `the columns of ${name} are wrong about whether slot ${slot} has a record`, place)
    return
  }
  if (live.count !== heap.liveCount)
    yield problem('columns', `the columns of ${name} count ${live.count} records`, place)
}

/** The text index holds the newest version of every record, and of each its words. `make`: also one that nobody has searched. */
export function* checkText(
  core: Core,
  collection: CollectionState,
  { make, counts }: { readonly make: boolean; readonly counts: { texts: number } },
): Check {
  const text = core.texts.of(collection)
  if (text === undefined || (text.loaded === undefined && !make)) return
  const preparation = text.prepare(() => undefined)
  while (!preparation.step(TEXTS_AT_ONCE)) {
    yield undefined
    if (collection.dropped) return
  }
  for (const part of preparation.index.fingerprints()) {
    if (part !== undefined) yield* checkDocuments(collection, text, part, counts)
    yield undefined
    if (collection.dropped || core.texts.of(collection) !== text) return
  }
  yield* checkCoverage(collection, text)
}

/** Every record is there, as of its newest commit. In one turn. */
function* checkCoverage(collection: CollectionState, text: TextState): Check {
  const index = text.prepare(() => undefined).finish()
  const { heap, name } = collection
  const place = { collection: name }
  let documents = 0
  let wrong: string | undefined
  index.eachDocument((slot, commit) => {
    documents++
    const found = slot < heap.slots.highSlot ? heap.newestOf(slot) : 0
    if (found !== commit) wrong ??= `the text of slot ${slot} is of commit ${commit}, the record of ${found}`
  })
  if (wrong !== undefined) yield problem('text', wrong, place)
  if (documents !== heap.liveCount) yield problem('text', `${documents} texts of ${heap.liveCount} records`, place)
}

/** The words of each document of a part are those of its record. */
function* checkDocuments(
  collection: CollectionState,
  text: TextState,
  part: { readonly documents: Documents; readonly count: number; readonly sums: Uint32Array },
  counts: { texts: number },
): Check {
  const { documents, count, sums } = part
  for (let from = 0; from < count; from += TEXTS_AT_ONCE) {
    const expected = new TextIndex(text.spec)
    const found = new Map<number, number>()
    for (let ordinal = from; ordinal < Math.min(count, from + TEXTS_AT_ONCE); ordinal++) {
      const slot = documents.slots[ordinal]!
      const commit = documents.commits[ordinal]!
      // What has changed since is caught up with later, and looked at by its commit number.
      if (documents.deaths[ordinal] === 1 || slot >= collection.heap.slots.highSlot) continue
      if (collection.heap.newestOf(slot) !== commit) continue
      const texts = textsOf(collection, text, slot)
      if (texts === undefined) continue
      expected.put(slot, commit, texts)
      found.set(slot, sums[ordinal]!)
      counts.texts++
    }
    for (const slot of differing(expected, found)) {
      const place = { collection: collection.name, id: collection.idIn(slot) }
      yield problem('text', `the text index of ${collection.name} has other words than this record`, place)
    }
    yield undefined
    if (collection.dropped) return
  }
}

/** Undefined for a record that cannot be read: that is told where records are looked at. */
function textsOf(
  collection: CollectionState,
  text: TextState,
  slot: number,
): ReturnType<TextState['textsOf']> | undefined {
  try {
    return text.textsOf(collection.readNewest(slot))
  } catch (error) {
    if (isBlazeError(error)) return undefined
    throw error
  }
}

/** Slots of which the two do not say the same. */
function differing(expected: TextIndex, found: ReadonlyMap<number, number>): number[] {
  const slots: number[] = []
  for (const part of expected.fingerprints()) {
    if (part === undefined) continue
    for (let ordinal = 0; ordinal < part.count; ordinal++) {
      const slot = part.documents.slots[ordinal]!
      if (part.sums[ordinal] !== found.get(slot)) slots.push(slot)
    }
  }
  return slots
}
