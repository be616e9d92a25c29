/**
 * Cleaning: gives the log's oldest segment back, strictly oldest first. What a slot still points to is copied to the end
 * of the log, what only a snapshot sees is spilled, the rest is dropped; then the tail moves on.
 *
 *   tail                                             head
 *   [ a1 b1 a2 c1 | d1 … ] [ … ] [ … ]          [ … COPY{b1} COPY{c1} ]
 *     ✗  ↷  ✗  ↷                                      b1, c1: newest installed; a1, a2: superseded
 *
 * Why oldest first: when a segment goes, everything older has gone, so a tombstone in it covers nothing any more and is
 * dropped with it. Only one in a DATA frame whose COMMIT lies later is kept: an older put may lie between the two.
 *
 * The whole segment is read and verified before the first copy, so that DATA is met knowing the COMMIT that names it.
 * Then one item after the other is handled, in slices; between two slices anything may happen, because nothing is
 * remembered of an entry but its place: each is asked for in the turn in which it is copied.
 *
 * Invariants: an entry is copied only in a turn in which it is the newest installed version; `logTail` moves when every
 * entry of a segment is handled, never before; only segments that are durable whole are taken. Handling an entry twice is
 * harmless: after a failed slice its item is simply done again.
 *
 * What it does not do: unlink (a root must say so first: checkpoint.ts), decide which version is the newest (the engine's
 * CleanTarget), run itself (collector.ts). Source: the cleaner of a log-structured file system (Rosenblum and Ousterhout,
 * 1992), without its choice of victims.
 */
import type { CollectionId, CommitNumber, Lsn } from '../base/ids.ts'
import { lsnOf, segmentOf } from '../base/ids.ts'
import { ENTRY_DELETE, EntryView, ITEM_COMMIT, ITEM_COPY, ITEM_DATA, type Item, readItem } from '../codec/entry.ts'
import type { Clock } from '../platform/platform.ts'
import type { Frame } from '../wal/frame.ts'
import type { Log } from '../wal/log.ts'
import { cleanReason, copyRate, excessSmall, type LogFigures, retentionAllows } from './clean-limits.ts'

export type CleanOutcome = 'copied' | 'spilled' | 'dropped'

/** What the cleaner needs of the engine. Everything is asked and done in one turn. */
export interface CleanTarget {
  /**
   * A put at `place`, of commit `commit`. When it is the newest installed version of its record: copy it to the end of the
   * log (an item COPY; the entry with its commit number) and swap the slot's place: 'copied'. When only a snapshot sees it:
   * spill it and swap the version's place: 'spilled'. Else 'dropped'. Throws DISK_FULL, POISONED, IO: nothing has changed.
   * `bytes` and `entry` are valid during the call, and stay as they are.
   */
  copyIfNewest(
    collection: CollectionId,
    bytes: Uint8Array,
    entry: EntryView,
    place: Lsn,
    commit: CommitNumber,
  ): CleanOutcome
  /** A tombstone whose COMMIT lies in a later segment: copy it, unless a newer state of its record is installed. */
  copyTombstone(
    collection: CollectionId,
    bytes: Uint8Array,
    entry: EntryView,
    commit: CommitNumber,
  ): 'copied' | 'dropped'
  /** The commit number of a transaction whose DATA lies in `segment` and whose COMMIT in a later one (DataCommits). */
  commitOfTransaction(segment: number, transaction: number): CommitNumber | undefined
  /** Copies were reserved in this turn: hand them to the log. */
  submit(): void
  /** The first segment that may not go: an open transaction's DATA, a feed cursor, an archive. Infinity when none. */
  heldFrom(): number
  /** Bytes of entries that slots point to, in all segments. */
  liveBytes(): number
  /** The device's recent write rate; Infinity while the disk is filling. */
  deviceBytesPerMs(): number
  /** False while the log takes nothing: poisoned, closing, read-only. */
  canWrite(): boolean
}

/** What the cleaner reads. */
export type CleanLog = Pick<Log, 'segments' | 'readSegment' | 'durable'>

export interface CleanerOptions {
  readonly clock: Clock
  readonly log: CleanLog
  readonly target: CleanTarget
  /** Bytes of closed segments that are kept for those who follow the log. */
  readonly retainBytes: number
  /** root.logTail at open. */
  readonly logTail: number
  /** Told of each segment that is done. */
  readonly onCleaned?: (cleaned: CleanedSegment) => void
}

/** A segment that holds nothing any more. */
export interface CleanedSegment {
  readonly segment: number
  readonly sizeBytes: number
  readonly copiedBytes: number
}

export interface CleanerStats {
  readonly segmentsCleaned: number
  readonly copiedBytes: number
  readonly copiedEntries: number
  readonly spilledEntries: number
}

/** The segment in work. */
interface Work {
  readonly segment: number
  readonly reader: Generator<Frame, void, undefined>
  readonly frames: Frame[]
  /** Commit numbers of DATA items, by their offset, where a COMMIT of this segment names them. */
  readonly commits: Map<number, CommitNumber>
  /** DATA items by their offset: the LSN of the one before. */
  readonly data: Map<number, number>
  /** COMMITs with DATA. */
  readonly named: { readonly lastData: number; readonly commit: CommitNumber }[]
  read: boolean
  frame: number
  /** Offset of the next item in that frame; 0: its first. */
  at: number
  readonly sizeBytes: number
  /** What had been copied of all segments when it was begun. */
  readonly copiedBefore: number
}

/** Copies allowed for each small segment that is one too many. */
const COPY_FOR_SMALL = 0x1000000
/** Copies saved up while nothing was copied. */
const MAX_SAVED_COPIES = 0x400000

const entry = new EntryView()

export class Cleaner {
  readonly #options: CleanerOptions
  #logTail: number
  #work: Work | undefined
  /** What may be copied now, and since when it grows. */
  #allowance = MAX_SAVED_COPIES
  #allowanceMs: number
  #throttled = false
  /** Bytes that the 'small-segments' trigger may still copy, and the count it was given for. */
  #smallBudget = 0
  #smallExcess = 0
  #segmentsCleaned = 0
  #copiedBytes = 0
  #copiedEntries = 0
  #spilledEntries = 0

  constructor(options: CleanerOptions) {
    this.#options = options
    this.#logTail = options.logTail
    this.#allowanceMs = options.clock.monotonic()
  }

  /** The first segment still needed by what is installed now. A root may name it only with a C of this same turn. */
  get logTail(): number {
    return this.#logTail
  }

  /** True when the last slice ended because copies may not be written faster: go on a little later. */
  get throttled(): boolean {
    return this.#throttled
  }

  /** Bytes of segments that are cleaned and wait for a root to be unlinked. */
  get unlinkableBytes(): number {
    const end = Math.min(this.#logTail, this.#options.target.heldFrom())
    let sum = 0
    for (const { id, sizeBytes } of this.#options.log.segments()) if (id < end) sum += sizeBytes
    return sum
  }

  stats(): CleanerStats {
    return {
      segmentsCleaned: this.#segmentsCleaned,
      copiedBytes: this.#copiedBytes,
      copiedEntries: this.#copiedEntries,
      spilledEntries: this.#spilledEntries,
    }
  }

  /**
   * Cleans for about `budgetMs`. 'more': there is more to do; 'done': nothing now (see `throttled`). `hasten`: copies as
   * fast as it goes. `through`: segments up to this one are cleaned whatever they hold, unless retention keeps them. Throws what the target and the log throw (DISK_FULL, POISONED, IO, CORRUPT): the same item comes
   * again in the next slice.
   */
  cleanSlice(
    budgetMs: number,
    options: { readonly hasten?: boolean; readonly through?: number } = {},
  ): 'more' | 'done' {
    const { clock, target } = this.#options
    this.#throttled = false
    if (!target.canWrite()) return 'done'
    this.#work ??= this.#begin(options.through ?? 0)
    const work = this.#work
    if (work === undefined) return 'done'
    this.#earn()
    const endMs = clock.monotonic() + budgetMs
    const copiedBefore = this.#copiedEntries
    try {
      do {
        if (this.#allowance <= 0 && options.hasten !== true) {
          this.#throttled = true
          return 'done'
        }
        if (!this.#step(work)) {
          this.#finish(work)
          return 'more'
        }
      } while (clock.monotonic() < endMs)
      return 'more'
    } finally {
      if (this.#copiedEntries > copiedBefore) target.submit()
    }
  }

  /** Ends the work in hand; what was copied stays, the tail does not move. */
  stop(): void {
    this.#work?.reader.return()
    this.#work = undefined
  }

  /** Takes the oldest segment if it is worth it and nothing holds it. */
  #begin(through: number): Work | undefined {
    const { log, target, retainBytes } = this.#options
    const segment = this.#logTail
    // Only what is durable whole: a segment is, when its successor has begun to be.
    if (segment >= segmentOf(log.durable) || segment >= target.heldFrom()) return undefined
    const figures = this.#figures()
    const reason = segment <= through ? 'asked' : cleanReason(figures)
    if (reason === undefined || !retentionAllows(figures, retainBytes)) return undefined
    if (reason === 'small-segments' && !this.#mayCopyForSmall(figures)) return undefined
    return {
      segment,
      reader: log.readSegment(segment),
      frames: [],
      commits: new Map(),
      data: new Map(),
      named: [],
      read: false,
      frame: 0,
      at: 0,
      sizeBytes: figures.segments[0]?.sizeBytes ?? 0,
      copiedBefore: this.#copiedBytes,
    }
  }

  #figures(): LogFigures {
    const segments = this.#options.log.segments().filter(({ id }) => id >= this.#logTail)
    return { segments, liveBytes: this.#options.target.liveBytes() }
  }

  /** Each small segment too many grants its copies once; what is used up comes back with the next one. */
  #mayCopyForSmall(figures: LogFigures): boolean {
    const excess = excessSmall(figures)
    if (excess > this.#smallExcess) this.#smallBudget += (excess - this.#smallExcess) * COPY_FOR_SMALL
    this.#smallExcess = excess
    return this.#smallBudget > 0
  }

  #earn(): void {
    const nowMs = this.#options.clock.monotonic()
    const rate = copyRate(this.#figures(), this.#options.target.deviceBytesPerMs())
    // Infinity times no time is not a number.
    const earned = rate === Number.POSITIVE_INFINITY ? MAX_SAVED_COPIES : rate * (nowMs - this.#allowanceMs)
    this.#allowance = Math.min(MAX_SAVED_COPIES, this.#allowance + earned)
    this.#allowanceMs = nowMs
  }

  /** One frame read, or one item handled; false when there is nothing left. */
  #step(work: Work): boolean {
    if (!work.read) {
      this.#readFrame(work)
      return true
    }
    const frame = work.frames[work.frame]
    if (frame === undefined) return false
    const at = work.at === 0 ? frame.payloadStart : work.at
    const item = readItem(frame.bytes, at, frame.payloadEnd)
    this.#handle(work, frame, item)
    work.at = item.end
    if (item.end >= frame.payloadEnd) {
      work.frame++
      work.at = 0
    }
    return true
  }

  #readFrame(work: Work): void {
    const next = work.reader.next()
    if (next.done === true) {
      work.read = true
      nameData(work)
      return
    }
    const frame = next.value
    work.frames.push(frame)
    for (let at = frame.payloadStart; at < frame.payloadEnd; ) {
      const item = readItem(frame.bytes, at, frame.payloadEnd)
      if (item.kind === ITEM_DATA) work.data.set(item.start, item.previousData)
      else if (item.kind === ITEM_COMMIT && item.dataCount > 0) {
        work.named.push({ lastData: item.previousData, commit: item.commit as CommitNumber })
      }
      at = item.end
    }
  }

  #handle(work: Work, frame: Frame, item: Item): void {
    const { target } = this.#options
    const here = item.kind === ITEM_DATA ? work.commits.get(item.start) : (item.commit as CommitNumber)
    const commit = here ?? target.commitOfTransaction(work.segment, item.transaction)
    // DATA that no COMMIT names is void.
    if (commit === undefined) return
    for (let at = item.entriesStart; at < item.end; at = entry.end) {
      entry.read(frame.bytes, at)
      const collection = entry.collection as CollectionId
      const own = item.kind === ITEM_COPY ? (entry.commit as CommitNumber) : commit
      if (entry.kind !== ENTRY_DELETE) {
        const place = lsnOf(work.segment, at)
        this.#note(target.copyIfNewest(collection, frame.bytes, entry, place, own), at)
      } else if (here === undefined) this.#note(target.copyTombstone(collection, frame.bytes, entry, own), at)
    }
  }

  #note(outcome: CleanOutcome, at: number): void {
    if (outcome === 'dropped') return
    if (outcome === 'spilled') this.#spilledEntries++
    else {
      const sizeBytes = entry.end - at
      this.#copiedEntries++
      this.#copiedBytes += sizeBytes
      this.#allowance -= sizeBytes
      this.#smallBudget -= sizeBytes
    }
  }

  #finish(work: Work): void {
    this.#work = undefined
    this.#logTail = work.segment + 1
    this.#segmentsCleaned++
    const { segment, sizeBytes, copiedBefore } = work
    this.#options.onCleaned?.({ segment, sizeBytes, copiedBytes: this.#copiedBytes - copiedBefore })
  }
}

/** Follows each COMMIT's chain of DATA as far as it lies in this segment. */
function nameData({ segment, named, data, commits }: Work): void {
  for (const { lastData, commit } of named) {
    let lsn = lastData
    while (lsn > 0 && segmentOf(lsn as Lsn) === segment) {
      const offset = lsn - lsnOf(segment, 0)
      const previous = data.get(offset)
      if (previous === undefined) break
      commits.set(offset, commit)
      lsn = previous
    }
  }
}
