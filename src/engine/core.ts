/**
 * The engine's shared state: what `commit()`, readers, the collector and the handles work on. One per open database.
 * It wires; the rules are in the files that use it.
 */

import { Bag } from '../base/bag.ts'
import { BlazeError } from '../base/errors.ts'
import type { CollectionId, CommitNumber, StructureId } from '../base/ids.ts'
import { uuidV7Generator } from '../base/uuid.ts'
import { encode as encodeStandalone } from '../codec/standalone.ts'
import { DataCommits } from '../gc/data-commits.ts'
import { LogHolds } from '../gc/log-holds.ts'
import { History, VERSION_BYTES } from '../mvcc/history.ts'
import { type SnapshotHold, SnapshotRegistry } from '../mvcc/snapshots.ts'
import type { Budget } from '../pages/budget.ts'
import type { PageSpace, PageStore } from '../pages/page-table.ts'
import type { Platform } from '../platform/platform.ts'
import type { Log } from '../wal/log.ts'
import type { BlockSeal } from '../wal/seal.ts'
import type { LogCut } from './backup/restore-point.ts'
import type { CollectionDescription, CollectionState } from './collection-state.ts'
import { DerivedStructures } from './derived.ts'
import { backgroundErrors, endedSnapshots } from './diagnostics.ts'
import type { HealthLimits } from './health-limits.ts'
import type { HistoryWindow } from './history-window.ts'
import { HolderWatch, kindOfHolder } from './holder-watch.ts'
import type { IndexState } from './index-state.ts'
import { LiveBytes } from './live-bytes.ts'
import type { OpenHandle } from './open-handle.ts'
import { openingPlace } from './opening-place.ts'
import type { Durability, Publisher } from './publisher.ts'
import { RecentWrites } from './recent-writes.ts'
import { Spill } from './spill.ts'
import { BUCKETS_STRUCTURE, collectionOf, partOf, SLOTS_STRUCTURE } from './structures.ts'
import { TextIndexes } from './text-indexes.ts'
import { storedTextSpec } from './text-spec.ts'

/** Options of an open database, with defaults filled in. */
export interface EngineOptions {
  readonly readOnly: boolean
  readonly durability: Durability
  readonly relaxedDelayMs: number
  readonly syncWrites: 'auto' | 'never'
  readonly memoryBytes: number
  readonly maxRecordBytes: number
  readonly retainLogBytes: number
  readonly retainHistoryMs: number
  readonly closeTimeoutMs: number
  readonly slowQueryMs: number | undefined
  /** Notes where snapshots, transactions and iterations are opened. */
  readonly trackHolders: boolean
  readonly minFreeDiskBytes: number
  readonly health: HealthLimits
}

/** What the background has done since the open. */
export interface BackgroundStats {
  readonly checkpoints: number
  readonly failedCheckpoints: number
  readonly lastCheckpointMs: number
  readonly segmentsCleaned: number
  readonly copiedBytes: number
  readonly spilledVersions: number
  /** Page segments on disk, and what of them is needed. */
  readonly pageBytes: number
  readonly livePageBytes: number
  readonly directoryBytes: number
  /** The log behind the newest checkpoint: what an open would replay. */
  readonly tailBytes: number
  /** Where a checkpoint is due by size. */
  readonly tailLimitBytes: number
}

/** The collections that hold what the engine must keep. */
export interface SystemCollections {
  readonly catalogue: CollectionState
  readonly shapes: CollectionState
  readonly pieces: CollectionState
}

/** What of the memory budget history may take. */
const HISTORY_SHARE = 0.25
/** What columns may: five columns of a million records take about 20 MB. They are made again in a tenth of a second. */
const COLUMNS_SHARE = 0.25

/** Transactions, snapshots and running queries at once: each takes some hundred bytes, and nobody means to hold so many. */
const MAX_HOLDS = 100_000

/** Shape numbers of one collection stay below this, so that (collection, shape) is one integer id. */
export const SHAPES_PER_COLLECTION = 8192

export class Core {
  readonly path: string
  readonly platform: Platform
  readonly options: EngineOptions
  readonly budget: Budget
  readonly pages: PageStore
  readonly snapshots: SnapshotRegistry = new SnapshotRegistry()
  readonly history: History = new History(this.snapshots)
  readonly recent: RecentWrites = new RecentWrites()
  readonly liveBytes: LiveBytes = new LiveBytes()
  readonly collections: Map<string, CollectionState> = new Map()
  readonly byId: Map<CollectionId, CollectionState> = new Map()
  readonly dataCommits: DataCommits = new DataCommits()
  /** Who needs the log from where on: backups, the verification. */
  readonly holds: LogHolds = new LogHolds()
  readonly spill: Spill
  /** Columns, by collection. */
  readonly derived: DerivedStructures
  /** The text indexes of collections that have one. */
  readonly texts: TextIndexes
  readonly newId: () => string
  /** Seeds the hash of the record tables. */
  readonly hashSeed: number
  log!: Log
  publisher!: Publisher
  system!: SystemCollections
  /** What of the past can be read although nobody holds it; undefined: nothing. */
  window: HistoryWindow | undefined
  /** The newest installed commit. */
  installed: CommitNumber = 0 as CommitNumber
  /** That of the open. */
  installedAtOpen: CommitNumber = 0 as CommitNumber
  /** Transactions that lost to another commit, each attempt. */
  conflictCount = 0
  nextCollectionId = 16
  /** Opened read-only at a restore point: the last frame is read up to here, and what follows in it is void. */
  cut: LogCut | undefined
  /** Set when close() begins: new work is refused; open transactions may still end. */
  closing = false
  /** Set when the log is about to be closed: nothing is taken any more. */
  closed = false
  /** Transactions and snapshots that are open, for close(). */
  readonly open: Bag<OpenHandle> = new Bag()
  /** Finds those of them, and the iterations, that were dropped without an end. */
  readonly watch: HolderWatch
  /** What the background has done, for stats. */
  background: () => BackgroundStats | undefined = () => undefined
  /** Called after each publication: wakes the collector. */
  onPublished: () => void = () => undefined
  /** Takes pages down when no checkpoint is writing them; what read them has been told that they are gone. */
  takeDown: (run: () => void) => void = (run) => run()
  /** What has to be counted to its end before an image is taken. */
  readonly beforeImage: Set<() => void> = new Set()
  /** Do the page files hold anything of a structure, or will they when the running checkpoint ends? */
  isMapped: (structure: StructureId) => boolean = () => false
  /** Makes a damaged index again, in the background. */
  onBrokenIndex: (collection: CollectionState, index: IndexState) => void = () => undefined
  /**
   * The handle of the last transaction: kept for its hidden classes, as a collection keeps its last context. Of those that
   * `begin` makes one that has ended, so that a dropped one is found.
   */
  lastTransaction: object | undefined
  /** A transaction that keeps losing: others wait with their commit until it is done. */
  turnstile: Promise<void> | undefined
  /** Asks the next open for a rebuild. */
  onDamage: () => void = () => undefined
  #damage: Error | undefined
  #halfInstalled = false
  #ticks = 0
  #backgroundError: Error | undefined
  #backgroundErrorAtMs = 0
  #windowTimer = false
  /** Collections whose image had tombstones, and the slot to go on from in the first. */
  #sweeping: CollectionState[] = []
  #sweepFrom = 0

  constructor(options: {
    readonly path: string
    readonly platform: Platform
    readonly options: EngineOptions
    readonly budget: Budget
    readonly pages: PageStore
    readonly hashSeed: number
    readonly spillSeal: BlockSeal
  }) {
    this.path = options.path
    this.platform = options.platform
    this.options = options.options
    this.budget = options.budget
    this.pages = options.pages
    this.hashSeed = options.hashSeed
    this.derived = new DerivedStructures({
      limitBytes: Math.floor(options.options.memoryBytes * COLUMNS_SHARE),
      safePoint: () => this.safePoint(),
    })
    this.texts = new TextIndexes({
      pages: options.pages,
      safePoint: () => this.safePoint(),
      takeDown: (run) => this.takeDown(run),
      wake: () => this.onPublished(),
    })
    this.watch = new HolderWatch({
      path: options.path,
      clock: options.platform.clock,
      limits: options.options.health,
      snapshots: this.snapshots,
      open: this.open,
      recent: this.recent,
    })
    this.spill = new Spill(options.platform, options.path, options.spillSeal)
    this.history.onDrop = (place) => {
      if (place < 0) this.spill.release(place)
    }
    const unpin = this.snapshots.onRelease
    this.snapshots.onRelease = (commit) => {
      unpin?.(commit)
      // What only this snapshot saw is garbage now.
      if (this.history.count > 0) this.onPublished()
    }
    const { random, clock } = options.platform
    const next = uuidV7Generator((target) => random.fill(target))
    this.newId = () => next(clock.now())
  }

  /** Throws what keeps a write from being taken. */
  assertWritable(): void {
    if (this.closed) throw closedError()
    if (this.options.readOnly) throw readOnlyError()
    if (this.publisher.failure !== undefined) throw this.publisher.failure
    if (this.#damage !== undefined) throw this.#damage
  }

  /** Damage of a record table; undefined while all is well. */
  get damage(): Error | undefined {
    return this.#damage
  }

  /** False when the background must leave everything as it is: also with damage, whose half state no checkpoint may keep. */
  get takesWrites(): boolean {
    return !this.closed && !this.options.readOnly && this.publisher.failure === undefined && this.#damage === undefined
  }

  /** Damage of a record table, found as a page was loaded: no more writes; the next open makes the tables again. */
  noteDamage(error: unknown): void {
    if (this.#damage !== undefined) return
    this.#damage = error instanceof Error ? error : new Error(String(error))
    this.onDamage()
  }

  assertOpen(): void {
    if (this.closing) throw closedError()
    if (this.#halfInstalled) throw this.#damage
  }

  /** Damage stopped an install in the middle: the log has the commit, the tables do not. Nothing is read any more. */
  noteHalfInstalled(error: unknown): void {
    this.noteDamage(error)
    this.#halfInstalled = true
  }

  /** Now and then gives memory back. Called where nobody holds a frame number or a view of the log. */
  safePoint(): void {
    if ((++this.#ticks & 63) === 0) this.budget.trim()
  }

  /** A snapshot of a commit that is there. Its holder sets `owner`. */
  hold(commit: CommitNumber, holder: string): SnapshotHold {
    if (this.snapshots.count >= MAX_HOLDS) throw tooManyHolds(this.snapshots.count)
    const nowMs = this.platform.clock.now()
    this.watch.note(nowMs)
    return this.snapshots.acquire(commit, holder, nowMs, this.options.trackHolders ? openingPlace() : undefined)
  }

  /** A snapshot of what is published, for reads that never conflict. */
  holdVisible(holder: string): SnapshotHold {
    return this.hold(this.publisher.visible, holder)
  }

  /**
   * A snapshot of a commit of the past: of what somebody holds, or of the window. INVALID_ARGUMENT for one that is not
   * visible yet, HISTORY_GONE.
   */
  holdAt(commit: number, holder: string): SnapshotHold {
    const { visible } = this.publisher
    if (!Number.isSafeInteger(commit) || commit < 0 || commit > visible) {
      throw new BlazeError(
        'INVALID_ARGUMENT',
        `asOf takes the number of a commit that can be read, a whole number up to ${visible}, found ${String(commit)}; use the commitNumber of a database, a snapshot or a transaction that has ended`,
        { argument: 'commitNumber' },
      )
    }
    const oldest = this.#horizon()
    if (commit < oldest && this.snapshots.newestIn(commit, commit + 1) < 0) throw historyGone(commit, oldest)
    return this.hold(commit as CommitNumber, holder)
  }

  /** Commits have become visible. */
  published(): void {
    this.window?.note(this.platform.clock.monotonic(), this.publisher.visible)
    this.onPublished()
  }

  /** What was visible before it and is not held can no longer be read. It only rises. */
  #horizon(): CommitNumber {
    return this.window?.horizon(this.platform.clock.monotonic()) ?? this.publisher.visible
  }

  /** The catalogue's record of a collection, encoded: as it is, or as it is about to be. */
  catalogueRecord(
    collection: CollectionState,
    { name, schemaVersion, hasSchema, text }: CollectionDescription = collection.description,
    indexes: readonly IndexState[] = collection.indexes,
  ): Uint8Array {
    return encodeStandalone({
      id: collection.id,
      name,
      schemaVersion,
      hasSchema,
      indexes: indexes.filter((index) => !index.building).map((index) => index.describe()),
      ...(text === undefined ? {} : { text: storedTextSpec(text) }),
    })
  }

  /** The id of a shape's record. */
  shapeId(collection: CollectionState, shape: number): number {
    return collection.id * SHAPES_PER_COLLECTION + shape
  }

  /** Bytes a millisecond that the log's writes reach, by their median time; undefined before there were any. */
  writeRate(): number | undefined {
    const { writes, bytesWritten, medianWriteMs } = this.log.stats()
    return writes === 0 || medianWriteMs === 0 ? undefined : bytesWritten / writes / medianWriteMs
  }

  /** The first log segment that somebody holds; Infinity when nobody does. */
  heldFrom(): number {
    return this.holds.first((segment) => {
      let bytes = 0
      for (const { id, sizeBytes } of this.log.segments()) if (id >= segment) bytes += sizeBytes
      return bytes
    })
  }

  /** The last failure of background work, for stats and health. */
  get backgroundError(): Error | undefined {
    return this.#backgroundError
  }

  /** When that was, by the wall clock. */
  get backgroundErrorAtMs(): number {
    return this.#backgroundErrorAtMs
  }

  noteBackgroundError(error: Error): void {
    this.#backgroundError = error
    this.#backgroundErrorAtMs = this.platform.clock.now()
    backgroundErrors.tell({ path: this.path, error })
  }

  /** Makes a page dirty so that the next checkpoint writes it anew; nothing when its structure is gone. */
  markDirty(structure: StructureId, page: number): void {
    const space = this.spaceOf(structure)
    if (space !== undefined && page < space.pageCount) space.write(page)
  }

  /** The pages of a structure. */
  spaceOf(structure: StructureId): PageSpace | undefined {
    const collection = this.byId.get(collectionOf(structure))
    const part = partOf(structure)
    if (collection === undefined) return undefined
    if (part === SLOTS_STRUCTURE) return collection.heap.slots.space
    if (part === BUCKETS_STRUCTURE) return collection.heap.buckets.space
    return collection.indexes.find((index) => index.part === part)?.space ?? this.texts.spaceOf(collection, part)
  }

  /** Drops versions and index entries that nobody can see any more; a bounded slice. True when more is left. */
  prune(most: number): boolean {
    let more = this.history.prune(this.#horizon(), most)
    this.#boundHistory()
    if (this.#discardIndexHistory(most)) more = true
    if (this.window !== undefined && this.#horizon() < this.publisher.visible) this.#pruneLater(this.window)
    return this.#sweep(most) || more
  }

  /** After an open: the tombstones that the checkpoint's image holds are freed; nobody can need them. */
  startSweep(): void {
    this.#sweeping = [...this.byId.values()].filter(({ heap }) => heap.slots.tombstoneCount > 0)
    this.#sweepFrom = 0
  }

  /** Time alone makes garbage of what the window holds. */
  #pruneLater({ stepMs }: HistoryWindow): void {
    if (this.#windowTimer) return
    this.#windowTimer = true
    this.platform.clock.after(stepMs, () => {
      this.#windowTimer = false
      if (!this.closing) this.onPublished()
    })
  }

  #sweep(most: number): boolean {
    const collection = this.#sweeping[0]
    if (collection === undefined) return false
    const next = collection.dropped ? -1 : collection.heap.sweepTombstones(this.#sweepFrom, most)
    if (next < 0) this.#sweeping.shift()
    this.#sweepFrom = Math.max(0, next)
    return this.#sweeping.length > 0
  }

  /** True when a round of some index is not complete. */
  #discardIndexHistory(most: number): boolean {
    let more = false
    const horizon = this.#horizon()
    const isGarbage = (begin: number, end: number): boolean => end <= horizon && this.snapshots.newestIn(begin, end) < 0
    for (const collection of this.collections.values()) {
      for (const { index } of collection.indexes) {
        if (index.historyCount > 0 && !index.discardHistory(isGarbage, most)) more = true
      }
    }
    return more
  }

  /**
   * History is never evicted: when it grows past its share of memory, the oldest part of the window is given up, and when
   * there is none left, the snapshot that reads furthest back is ended: what is held is worth more than what may be asked for.
   */
  #boundHistory(): void {
    const limit = this.historyLimitBytes
    while (this.historyBytes > limit) {
      if (this.window?.shorten(this.publisher.visible) !== true) {
        const oldest = this.snapshots.oldestHold()
        if (oldest === undefined) return
        this.#endSnapshot(oldest)
      }
      this.history.prune(this.#horizon(), Number.MAX_SAFE_INTEGER)
      this.#discardIndexHistory(Number.MAX_SAFE_INTEGER)
    }
  }

  #endSnapshot(hold: SnapshotHold): void {
    const { historyBytes, historyLimitBytes } = this
    this.snapshots.end(hold)
    if (!endedSnapshots.isHeard) return
    endedSnapshots.tell({
      path: this.path,
      kind: kindOfHolder(hold.holder),
      holder: hold.holder,
      commitNumber: hold.commit,
      ageMs: this.platform.clock.now() - hold.sinceMs,
      historyBytes,
      limitBytes: historyLimitBytes,
      openedAt: hold.openedAt,
    })
  }

  /** What history may take: beyond it the oldest snapshot is ended. */
  get historyLimitBytes(): number {
    return this.budget.limitBytes * HISTORY_SHARE
  }

  /** Bytes of superseded versions and index entries. */
  get historyBytes(): number {
    let bytes = this.history.count * VERSION_BYTES
    for (const collection of this.collections.values()) {
      for (const { index } of collection.indexes) if (index.historyCount > 0) bytes += index.historyBytes
    }
    return bytes
  }
}

function tooManyHolds(count: number): BlazeError<'MEMORY_LIMIT'> {
  return new BlazeError(
    'MEMORY_LIMIT',
    `${count} snapshots, transactions and iterations are open, the most there can be at once; nothing was begun. End some of them: db.stats().snapshots.holders says who holds what.`,
    { limit: MAX_HOLDS, actual: count + 1 },
  )
}

function historyGone(commit: number, oldest: CommitNumber): BlazeError<'HISTORY_GONE'> {
  return new BlazeError(
    'HISTORY_GONE',
    `commit ${commit} can no longer be read; the oldest that can is ${oldest}. Hold a snapshot of what you will read again, or open with a longer retain.historyMs.`,
    { commit, oldest },
  )
}

export function closedError(): BlazeError<'CLOSED'> {
  return new BlazeError('CLOSED', 'the database is closed or closing; open it again to go on', undefined)
}

export function readOnlyError(): BlazeError<'READ_ONLY'> {
  return new BlazeError(
    'READ_ONLY',
    'this database was opened read-only; nothing was written. Open it without readOnly to write.',
    undefined,
  )
}
