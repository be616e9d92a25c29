/** A log of puts and deletes with a model of what is newest, a cleaner over it, and a rebuild from what is left. */

import { getF64, setF64, setU32 } from '../../src/base/binary.ts'
import type { CollectionId, CommitNumber, Lsn } from '../../src/base/ids.ts'
import { lsnOf, segmentOf } from '../../src/base/ids.ts'
import { ID_INTEGER } from '../../src/base/record-key.ts'
import {
  COMMIT_HEAD,
  COMMIT_HEAD_WITH_DATA,
  COPY_HEAD,
  DATA_HEAD,
  ENTRY_DELETE,
  ENTRY_HAS_COMMIT,
  ENTRY_PUT,
  EntryView,
  entrySize,
  ITEM_COMMIT,
  ITEM_COPY,
  ITEM_DATA,
  readItem,
  writeCommitHead,
  writeCopyHead,
  writeDataHead,
  writeEntryHead,
} from '../../src/codec/entry.ts'
import { Cleaner, type CleanOutcome, type CleanTarget } from '../../src/gc/clean.ts'
import { DataCommits } from '../../src/gc/data-commits.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { memoryPlatform } from '../../src/platform/memory-platform.ts'
import type { Clock } from '../../src/platform/platform.ts'
import type { Frame } from '../../src/wal/frame.ts'
import { Log } from '../../src/wal/log.ts'
import { recoverLog, removeVoid } from '../../src/wal/recovery.ts'
import { plainSealsOf } from '../support/seals.ts'

const FOLDER = '/db/log'
const FILE_ID = Uint8Array.from({ length: 16 }, (_, i) => i + 40)
const COLLECTION = 5 as CollectionId

/** A put of so many bytes, or a delete. */
export interface Write {
  readonly id: number
  readonly sizeBytes: number | 'delete'
}

/** The newest state of a record. */
export interface Newest {
  readonly commit: number
  readonly place: number
  readonly deleted: boolean
}

/** An item of DATA that waits for its COMMIT. */
export interface Pending {
  readonly transaction: number
  readonly data: { readonly lsn: number; readonly writes: readonly Placed[] }[]
}

interface Placed {
  readonly id: number
  readonly deleted: boolean
  readonly place: number
}

export class CleanWorld implements CleanTarget {
  readonly platform: MemoryPlatform
  readonly newest = new Map<number, Newest>()
  readonly dataCommits = new DataCommits()
  readonly outcomes: string[] = []
  /** What only a snapshot sees: places that are to be spilled. */
  readonly seen = new Set<number>()
  log!: Log
  cleaner!: Cleaner
  commit = 0
  transaction = 0
  held = Number.POSITIVE_INFINITY
  live = 0
  rate = Number.POSITIVE_INFINITY
  writable = true
  failNext: Error | undefined
  #tail = 1

  constructor(clock?: Clock) {
    this.platform = memoryPlatform(clock === undefined ? {} : { clock })
    this.platform.files.makeFolderSync(FOLDER)
    this.platform.files.syncFolderSync('/')
    this.platform.files.syncFolderSync('/db')
    this.open()
  }

  /** Opens the log: what follows goes to a new segment. */
  open(retainBytes = 0): void {
    const base = {
      platform: this.platform,
      folder: FOLDER,
      fileId: FILE_ID,
      seals: plainSealsOf(FILE_ID),
      readOnly: false,
    }
    const from =
      this.commit === 0
        ? { tailSegment: 1, position: { lsn: lsnOf(1, 512), chain: 0 } }
        : { tailSegment: this.#tail, position: 'start' as const }
    const recovered = recoverLog(base, from, () => undefined)
    removeVoid(base, recovered)
    const events = { advanced: () => undefined, failed: () => undefined }
    const epochSalt = this.platform.random.fill(new Uint8Array(32))
    this.log = new Log({ ...base, epochSalt, syncWrites: 'auto', relaxedDelayMs: 100, events }, recovered)
    this.cleaner = new Cleaner({
      clock: this.platform.clock,
      log: this.log,
      target: this,
      retainBytes,
      logTail: this.#tail,
    })
  }

  async reopen(retainBytes = 0): Promise<void> {
    await this.close()
    this.open(retainBytes)
  }

  async close(): Promise<void> {
    this.cleaner.stop()
    this.unlink()
    await this.log.close({ truncate: true })
  }

  /** As after a root that carries the cleaner's tail. */
  unlink(): void {
    this.log.flushSync()
    this.#tail = this.cleaner.logTail
    this.log.removeBelow(this.#tail)
    this.dataCommits.forgetBelow(this.#tail)
  }

  cleanAll(): void {
    this.log.flushSync()
    while (this.cleaner.cleanSlice(0.2) === 'more') this.log.flushSync()
  }

  /** One whole transaction in one COMMIT. */
  write(...writes: Write[]): void {
    this.#commit(writes, undefined)
  }

  /** DATA ahead of its COMMIT. */
  data(pending: Pending | undefined, ...writes: Write[]): Pending {
    const transaction = pending?.transaction ?? ++this.transaction
    const size = DATA_HEAD + sizeOf(writes)
    this.log.reserve(size)
    const { itemBytes, itemOffset, itemSegment } = this.log
    const previous = pending?.data.at(-1)?.lsn ?? 0
    const next = writeDataHead(itemBytes, itemOffset, size, transaction, previous)
    const placed = this.#entries(writes, next, 0)
    this.log.submit('none')
    return { transaction, data: [...(pending?.data ?? []), { lsn: lsnOf(itemSegment, itemOffset), writes: placed }] }
  }

  /** The COMMIT of DATA. */
  commitData(pending: Pending, ...writes: Write[]): void {
    this.#commit(writes, pending)
  }

  #commit(writes: readonly Write[], pending: Pending | undefined): void {
    const commit = ++this.commit
    const count = pending?.data.length ?? 0
    const size = (count > 0 ? COMMIT_HEAD_WITH_DATA : COMMIT_HEAD) + sizeOf(writes)
    this.log.reserve(size)
    const { itemBytes, itemOffset, itemSegment } = this.log
    const lastData = pending?.data.at(-1)?.lsn ?? 0
    const next = writeCommitHead(itemBytes, itemOffset, {
      size,
      commit,
      time: 0,
      relaxed: true,
      lastData,
      dataCount: count,
    })
    for (const { lsn, writes: placed } of pending?.data ?? []) {
      const segment = segmentOf(lsn as Lsn)
      if (segment < itemSegment) this.dataCommits.note(segment, pending!.transaction, commit as CommitNumber)
      for (const each of placed) this.#install(each, commit)
    }
    for (const each of this.#entries(writes, next, 0)) this.#install(each, commit)
    this.log.submit('none')
  }

  #install({ id, deleted, place }: Placed, commit: number): void {
    this.newest.set(id, { commit, place, deleted })
  }

  #entries(writes: readonly Write[], start: number, commit: number): Placed[] {
    let at = start
    return writes.map(({ id, sizeBytes }) => {
      const deleted = sizeBytes === 'delete'
      const size = deleted ? 0 : sizeBytes
      const kind = (deleted ? ENTRY_DELETE : ENTRY_PUT) | ID_INTEGER | (commit > 0 ? ENTRY_HAS_COMMIT : 0)
      const { itemBytes, frameOffset, itemSegment } = this.log
      const idAt = writeEntryHead(itemBytes, at, frameOffset, kind, COLLECTION, 8, size, commit)
      setF64(itemBytes, idAt, id)
      if (size >= 4) setU32(itemBytes, idAt + 8, id * 1000)
      const placed = { id, deleted, place: lsnOf(itemSegment, at) }
      at += entrySize(8, size, commit > 0)
      return placed
    })
  }

  copyIfNewest(
    collection: CollectionId,
    bytes: Uint8Array,
    entry: EntryView,
    place: Lsn,
    commit: CommitNumber,
  ): CleanOutcome {
    if (collection !== COLLECTION) throw new Error('another collection')
    this.#fail()
    const id = getF64(bytes, entry.idStart)
    const outcome = this.#outcomeOf(id, entry, place, commit)
    this.outcomes.push(`${id}@${commit} ${outcome}`)
    return outcome
  }

  #outcomeOf(id: number, entry: EntryView, place: Lsn, commit: CommitNumber): CleanOutcome {
    if (this.seen.delete(place)) return 'spilled'
    const newest = this.newest.get(id)
    if (newest?.place !== place) return 'dropped'
    if (newest.commit !== commit) throw new Error(`commit ${commit} of an entry of ${newest.commit}`)
    this.#copy(id, entry.recordEnd - entry.recordStart, commit)
    return 'copied'
  }

  copyTombstone(_: CollectionId, bytes: Uint8Array, entry: EntryView, commit: CommitNumber): 'copied' | 'dropped' {
    this.#fail()
    const id = getF64(bytes, entry.idStart)
    const newest = this.newest.get(id)
    const outcome = newest !== undefined && !newest.deleted ? 'dropped' : 'copied'
    if (outcome === 'copied') this.#copy(id, 'delete', commit)
    this.outcomes.push(`tombstone ${id}@${commit} ${outcome}`)
    return outcome
  }

  commitOfTransaction(segment: number, transaction: number): CommitNumber | undefined {
    return this.dataCommits.commitOf(segment, transaction)
  }

  submit(): void {
    this.log.submit('relaxed')
  }

  heldFrom(): number {
    return this.held
  }

  liveBytes(): number {
    return this.live
  }

  deviceBytesPerMs(): number {
    return this.rate
  }

  canWrite(): boolean {
    return this.writable
  }

  #copy(id: number, sizeBytes: Write['sizeBytes'], commit: number): void {
    const size = COPY_HEAD + entrySize(8, sizeBytes === 'delete' ? 0 : sizeBytes, true)
    this.log.reserve(size)
    const { itemBytes, itemOffset } = this.log
    const next = writeCopyHead(itemBytes, itemOffset, size)
    const [placed] = this.#entries([{ id, sizeBytes }], next, commit)
    this.#install(placed!, commit)
  }

  #fail(): void {
    const error = this.failNext
    this.failNext = undefined
    if (error !== undefined) throw error
  }

  /** What a rebuild from the log alone finds: live records by id, with their commit. */
  rebuild(): Map<number, number> {
    const entries: { id: number; commit: number; deleted: boolean }[] = []
    const data = new Map<number, { previous: number; frame: Frame; start: number; end: number }>()
    const view = new EntryView()
    const add = (frame: Frame, start: number, end: number, commit: number): void => {
      for (let at = start; at < end; at = view.end) {
        view.read(frame.bytes, at)
        const id = getF64(frame.bytes, view.idStart)
        entries.push({ id, commit: view.commit || commit, deleted: view.kind === ENTRY_DELETE })
      }
    }
    for (const { id: segment } of this.log.segments()) {
      for (const frame of this.log.readSegment(segment)) {
        for (let at = frame.payloadStart; at < frame.payloadEnd; ) {
          const item = readItem(frame.bytes, at, frame.payloadEnd)
          if (item.kind === ITEM_DATA) {
            data.set(lsnOf(segment, at), {
              previous: item.previousData,
              frame,
              start: item.entriesStart,
              end: item.end,
            })
          } else if (item.kind === ITEM_COPY) add(frame, item.entriesStart, item.end, 0)
          else if (item.kind === ITEM_COMMIT) {
            for (let lsn = item.dataCount > 0 ? item.previousData : 0; lsn > 0; ) {
              const found = data.get(lsn)
              if (found === undefined) break
              add(found.frame, found.start, found.end, item.commit)
              lsn = found.previous
            }
            add(frame, item.entriesStart, item.end, item.commit)
          }
          at = item.end
        }
      }
    }
    const newest = new Map<number, { commit: number; deleted: boolean }>()
    for (const { id, commit, deleted } of entries) {
      if (commit >= (newest.get(id)?.commit ?? 0)) newest.set(id, { commit, deleted })
    }
    return new Map([...newest].filter(([, { deleted }]) => !deleted).map(([id, { commit }]) => [id, commit]))
  }

  /** What a rebuild must find. */
  expected(): Map<number, number> {
    return new Map([...this.newest].filter(([, { deleted }]) => !deleted).map(([id, { commit }]) => [id, commit]))
  }
}

function sizeOf(writes: readonly Write[]): number {
  return writes.reduce((sum, { sizeBytes }) => sum + entrySize(8, sizeBytes === 'delete' ? 0 : sizeBytes, false), 0)
}
