/** Counts what a survey of a log hands out: commits and frames that are kept, and what is in those that are not. */
import type { CollectionId, RecordId } from '../../base/ids.ts'
import { lsnOf } from '../../base/ids.ts'
import { readStoredId } from '../../base/record-key.ts'
import { ENTRY_PUT, EntryView, ITEM_COMMIT, ITEM_DATA, type Item, readItem } from '../../codec/entry.ts'
import { decode } from '../../codec/standalone.ts'
import type { SurveyedFrame } from '../../wal/survey.ts'
import { CATALOGUE_ID, isSystem } from '../system-collections.ts'

/** Writes of one collection that are not kept. */
export interface LostWrites {
  /** Its name; `#<number>` when nothing that can be read tells it. */
  readonly collection: string
  readonly puts: number
  readonly deletes: number
  /** Of the first records concerned. */
  readonly ids: readonly RecordId[]
  /** Records concerned, at most MAX_IDS of them counted apart. */
  readonly records: number
}

/** What of a log can be read and is not kept. */
export interface Losses {
  readonly commits: number
  readonly firstCommit: number | undefined
  readonly lastCommit: number | undefined
  readonly frames: number
  /** Where the first of them lie. */
  readonly frameList: readonly { readonly file: string; readonly offset: number; readonly sizeBytes: number }[]
  readonly collections: readonly LostWrites[]
}

/** Frames that are listed, and ids of a collection; all are counted. */
const MAX_LISTED = 100
/** Ids that are told apart in one collection: about 10 MB. */
const MAX_IDS = 100_000

interface Lost {
  puts: number
  deletes: number
  readonly ids: Set<RecordId>
}

interface Entry {
  readonly collection: CollectionId
  readonly id: RecordId
  readonly put: boolean
}

const view = new EntryView()

export class LossCounter {
  readonly #kept = { commitNumber: 0, commits: 0, frames: 0, bytes: 0 }
  readonly #names = new Map<number, string>()
  readonly #lost = new Map<CollectionId, Lost>()
  /** Kept DATA that no kept COMMIT names: it is void, and lost. */
  readonly #unnamed = new Map<number, { readonly entries: readonly Entry[]; readonly previous: number }>()
  readonly #frames: { file: string; offset: number; sizeBytes: number }[] = []
  #commits = 0
  #first: number | undefined
  #last: number | undefined
  #frameCount = 0
  /** Of frames read so far. */
  bytes = 0

  frame({ frame, kept }: SurveyedFrame): void {
    const sizeBytes = frame.payloadEnd - frame.start
    this.bytes += sizeBytes
    if (kept) {
      this.#kept.frames++
      this.#kept.bytes += sizeBytes
    } else {
      this.#frameCount++
      const listed = { file: `log/${frame.segment}`, offset: frame.start, sizeBytes }
      if (this.#frames.length < MAX_LISTED) this.#frames.push(listed)
    }
    for (let at = frame.payloadStart; at < frame.payloadEnd; ) {
      const item = readItem(frame.bytes, at, frame.payloadEnd)
      const entries = this.#entriesOf(frame.bytes, item)
      if (kept) this.#keep(lsnOf(frame.segment, item.start), item, entries)
      else this.#drop(item, entries)
      at = item.end
    }
  }

  kept(): Readonly<{ commitNumber: number; commits: number; frames: number; bytes: number }> {
    return { ...this.#kept }
  }

  dropped(): Losses {
    for (const { entries } of this.#unnamed.values()) for (const entry of entries) this.#lose(entry)
    this.#unnamed.clear()
    return {
      commits: this.#commits,
      firstCommit: this.#first,
      lastCommit: this.#last,
      frames: this.#frameCount,
      frameList: this.#frames,
      collections: [...this.#lost].map(([collection, { puts, deletes, ids }]) => ({
        collection: this.#names.get(collection) ?? `#${collection}`,
        puts,
        deletes,
        ids: [...ids].slice(0, MAX_LISTED),
        records: ids.size,
      })),
    }
  }

  #keep(place: number, item: Item, entries: readonly Entry[]): void {
    if (item.kind === ITEM_DATA) this.#unnamed.set(place, { entries, previous: item.previousData })
    if (item.kind !== ITEM_COMMIT) return
    this.#kept.commits++
    this.#kept.commitNumber = item.commit
    let data = item.previousData
    for (let left = item.dataCount; left > 0; left--) {
      const previous = this.#unnamed.get(data)?.previous ?? 0
      this.#unnamed.delete(data)
      data = previous
    }
  }

  /** A COPY has no new meaning: what it copies is counted where it was committed. */
  #drop(item: Item, entries: readonly Entry[]): void {
    if (item.kind !== ITEM_COMMIT && item.kind !== ITEM_DATA) return
    for (const entry of entries) this.#lose(entry)
    if (item.kind !== ITEM_COMMIT) return
    this.#commits++
    this.#first ??= item.commit
    this.#last = item.commit
  }

  #lose({ collection, id, put }: Entry): void {
    if (isSystem(collection)) return
    let lost = this.#lost.get(collection)
    if (lost === undefined) {
      lost = { puts: 0, deletes: 0, ids: new Set() }
      this.#lost.set(collection, lost)
    }
    if (put) lost.puts++
    else lost.deletes++
    if (lost.ids.size < MAX_IDS) lost.ids.add(id)
  }

  #entriesOf(bytes: Uint8Array, item: Item): Entry[] {
    const entries: Entry[] = []
    for (let at = item.entriesStart; at < item.end; at = view.end) {
      view.read(bytes, at)
      const collection = view.collection as CollectionId
      const id = readStoredId(bytes, view.idKind, view.idStart, view.idSize)
      const put = view.kind === ENTRY_PUT
      entries.push({ collection, id, put })
      if (put && collection === CATALOGUE_ID) this.#learnName(id, bytes.subarray(view.recordStart, view.recordEnd))
    }
    return entries
  }

  #learnName(id: RecordId, record: Uint8Array): void {
    const { name } = decode(record) as { readonly name?: unknown }
    if (typeof name === 'string') this.#names.set(Number(id), name)
  }
}
