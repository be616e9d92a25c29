/**
 * The log: every frame from the file, commits in order, and every entry against the record tables. The table must have of
 * each record what the entry of the highest commit number says (invariant 6):
 *
 *   a put at commit 7, and no record  →  some entry of commit 7 or later must delete it
 *   an entry at commit 7, and a record of commit 5  →  the table has missed it
 *
 * Puts whose deletion has not come yet are remembered by id. When they grow too many the log is walked again for a part of
 * the ids each, so that memory stays bounded.
 */
import { crc32 } from '../../base/checksum.ts'
import type { CollectionId, Lsn, RecordId } from '../../base/ids.ts'
import { lsnOf, segmentOf } from '../../base/ids.ts'
import { RecordKey, readStoredId } from '../../base/record-key.ts'
import { ENTRY_PUT, EntryView, ITEM_COMMIT, ITEM_DATA, type Item, readItem } from '../../codec/entry.ts'
import type { Frame } from '../../wal/frame.ts'
import { upToCut } from '../backup/restore-point.ts'
import type { Core } from '../core.ts'
import { type Check, problem, problemOf, type VerifyProblem } from './problem.ts'

export interface LogCounts {
  segments: number
  frames: number
  logBytes: number
  commits: number
  entries: number
}

/** Ids that are remembered at once: about 100 MB. */
const MAX_REMEMBERED = 500_000

/** An entry of DATA, until its COMMIT is met. */
interface Entry {
  readonly collection: CollectionId
  readonly id: RecordId
  readonly put: boolean
}

interface Data {
  readonly entries: readonly Entry[]
  readonly previous: number
}

/** The share of ids that one walk looks at. */
interface Share {
  readonly part: number
  readonly of: number
}

/** Walks the log, from its files where `fromDisk` says so. */
export function* checkLog(core: Core, counts: LogCounts, fromDisk: boolean): Check {
  const shares: Share[] = [{ part: 0, of: 1 }]
  for (let share = shares.pop(), first = true; share !== undefined; share = shares.pop(), first = false) {
    const walk = new LogWalk(core, share, first ? counts : undefined)
    yield* walk.run(fromDisk)
    if (!walk.overflowed) continue
    const { part, of } = share
    shares.push({ part, of: of * 2 }, { part: part + of, of: of * 2 })
  }
}

const key = new RecordKey()
const view = new EntryView()
const encoder = new TextEncoder()

class LogWalk {
  readonly #core: Core
  readonly #share: Share
  readonly #counts: LogCounts | undefined
  readonly #data = new Map<number, Data>()
  /** Puts of records that there are not: their commit number. */
  readonly #missing = new Map<string, Entry & { readonly commit: number }>()
  /** The newest commit met, and up to where the log was read. */
  #commit = 0
  #read: Lsn
  overflowed = false

  constructor(core: Core, share: Share, counts: LogCounts | undefined) {
    this.#core = core
    this.#share = share
    this.#counts = counts
    this.#read = lsnOf(core.log.tailSegment, 0)
  }

  *run(fromDisk: boolean): Check {
    const { log } = this.#core
    for (let id = log.tailSegment; id <= log.headSegment; id++) {
      if (!(yield* this.#segment(id, fromDisk, true))) return
      if (this.overflowed) return
    }
    // What was committed meanwhile, in one turn: then nothing is missing that the log is only about to say.
    if (!this.#core.options.readOnly && this.#core.takesWrites) log.boundary()
    for (let id = segmentOf(this.#read); id <= log.headSegment; id++)
      if (!(yield* this.#segment(id, false, false))) return
    // After a failed write the tables hold what the log never will.
    if (this.#core.publisher.failure === undefined) yield* this.#reportMissing()
  }

  /** False when the segment is damaged: what comes behind cannot be held against the tables. */
  *#segment(id: number, fromDisk: boolean, restful: boolean): Check<boolean> {
    const { log, cut } = this.#core
    try {
      for (const frame of upToCut(log.readSegment(id, { fromDisk }), cut)) {
        if (frame.lsn < this.#read) continue
        this.#read = lsnOf(id, frame.payloadEnd)
        if (this.#counts !== undefined) {
          this.#counts.frames++
          this.#counts.logBytes += frame.payloadEnd - frame.start
        }
        const found = this.#frame(frame)
        if (found !== undefined) yield found
        if (restful) yield undefined
        if (this.overflowed) return true
      }
    } catch (error) {
      yield problemOf('log', error)
      return false
    }
    if (this.#counts !== undefined && restful) this.#counts.segments++
    return true
  }

  /** One problem of a frame is enough. */
  #frame(frame: Frame): VerifyProblem | undefined {
    let found: VerifyProblem | undefined
    for (let at = frame.payloadStart; at < frame.payloadEnd; ) {
      const item = readItem(frame.bytes, at, frame.payloadEnd)
      found ??= this.#item(frame, item)
      at = item.end
    }
    return found
  }

  #item(frame: Frame, item: Item): VerifyProblem | undefined {
    const entries = entriesOf(frame.bytes, item)
    if (item.kind === ITEM_DATA) {
      this.#data.set(lsnOf(frame.segment, item.start), { entries, previous: item.previousData })
      return undefined
    }
    if (item.kind !== ITEM_COMMIT) return this.#entries(entries, 0)
    const { commit } = item
    const before = this.#commit
    this.#commit = commit
    if (this.#counts !== undefined) this.#counts.commits++
    const named = this.#namedData(item)
    if (before > 0 && commit !== before + 1) {
      return problem('log', `commit ${commit} follows commit ${before}`, placeOf(frame, item))
    }
    if (named === undefined)
      return problem('log', `commit ${commit} names a part that is not there`, placeOf(frame, item))
    return this.#entries([...named, ...entries], commit)
  }

  /** The entries of a COMMIT's DATA, oldest first; undefined when one is missing that is not cleaned away. */
  #namedData(item: Item): Entry[] | undefined {
    const parts: (readonly Entry[])[] = []
    let place = item.previousData
    for (let left = item.dataCount; left > 0; left--) {
      const data = this.#data.get(place)
      if (data === undefined) {
        if (segmentOf(place as Lsn) < this.#core.log.tailSegment) break
        return undefined
      }
      this.#data.delete(place)
      parts.unshift(data.entries)
      place = data.previous
    }
    return parts.flat()
  }

  #entries(entries: readonly (Entry & { readonly commit?: number })[], commit: number): VerifyProblem | undefined {
    let found: VerifyProblem | undefined
    for (const entry of entries) found ??= this.#entry(entry, entry.commit ?? commit)
    return found
  }

  #entry(entry: Entry, commit: number): VerifyProblem | undefined {
    if (this.#counts !== undefined) this.#counts.entries++
    const collection = this.#core.byId.get(entry.collection)
    // Of a collection that was dropped nothing is kept.
    if (collection === undefined) return undefined
    const { heap, name } = collection
    const { id, put } = entry
    key.set(id)
    const slot = heap.find(key)
    if (slot < 0) {
      this.#noteMissing(entry, commit)
      return undefined
    }
    const known = heap.slots.commitOf(slot)
    const place = { collection: name, id }
    if (known < commit)
      return problem('table', `the log has this record at commit ${commit}, the table at ${known}`, place)
    if (known > commit || put === heap.isLive(slot)) return undefined
    return problem(
      'table',
      `commit ${commit} ${put ? 'wrote' : 'deleted'} this record, the table says otherwise`,
      place,
    )
  }

  #noteMissing(entry: Entry, commit: number): void {
    const name = `${entry.collection}/${JSON.stringify(entry.id)}`
    if (this.#share.of > 1) {
      const bytes = encoder.encode(name)
      if (crc32(bytes, 0, bytes.length) % this.#share.of !== this.#share.part) return
    }
    const known = this.#missing.get(name)
    if (entry.put) {
      if (known === undefined || known.commit < commit) this.#missing.set(name, { ...entry, commit })
      if (this.#missing.size > MAX_REMEMBERED) this.overflowed = true
    } else if (known !== undefined && known.commit <= commit) this.#missing.delete(name)
  }

  *#reportMissing(): Check {
    for (const { collection, id, commit } of this.#missing.values()) {
      const state = this.#core.byId.get(collection)
      if (state === undefined) continue
      yield problem('table', `commit ${commit} wrote this record, nothing deleted it, and the table lacks it`, {
        collection: state.name,
        id,
      })
    }
  }
}

function entriesOf(bytes: Uint8Array, item: Item): (Entry & { readonly commit?: number })[] {
  const entries: (Entry & { readonly commit?: number })[] = []
  for (let at = item.entriesStart; at < item.end; at = view.end) {
    view.read(bytes, at)
    entries.push({
      collection: view.collection as CollectionId,
      id: readStoredId(bytes, view.idKind, view.idStart, view.idSize),
      put: view.kind === ENTRY_PUT,
      ...(view.commit > 0 && { commit: view.commit }),
    })
  }
  return entries
}

function placeOf(frame: Frame, item: Item): { readonly file: string; readonly offset: number } {
  return { file: `log/${frame.segment}`, offset: item.start }
}
