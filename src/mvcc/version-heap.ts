/**
 * The versioned heap of one collection: which version of which record lies where in the log.
 *
 *   id ─hash→ bucket ─→ slot {key, place, commit} ─link→ older version [begin, end) → …
 *                         newest installed                 history, volatile
 *
 * Pure and synchronous: it knows places (LSNs) and commit numbers, never bytes. Whoever commits installs here; whoever
 * reads asks `placeAt(slot, snapshot)`.
 *
 * Worked example: insert at commit 7, update at 12, a reader at 9.
 *   put(-1, key, lsn 100, 7)  → slot 0 {100, 7}
 *   put(0, key, lsn 300, 12)  → slot 0 {300, 12}, history [7, 12) at 100
 *   placeAt(0, 9) = 100, placeAt(0, 12) = 300, placeAt(0, 6) = none
 *
 * Invariants
 *  - slots hold the newest installed state; what is superseded is in history with its interval;
 *  - a chain is newest first, its intervals ascend towards the slot and do not overlap;
 *  - a tombstone slot lives while its chain is not empty, or until its commit is visible to all; then it is freed.
 */
import type { CommitNumber, Lsn, RecordNumber, StructureId } from '../base/ids.ts'
import { invariant } from '../base/invariant.ts'
import type { RecordKey } from '../base/record-key.ts'
import type { PageStore } from '../pages/page-table.ts'
import { Buckets, type BucketsMeta, MAX_SLOTS } from './buckets.ts'
import type { History, VersionOwner } from './history.ts'
import { Slots, type SlotsMeta, ZONE_BITS } from './slots.ts'

export interface HeapMeta {
  readonly slots: SlotsMeta
  readonly buckets: BucketsMeta
}

export interface HeapOptions {
  readonly store: PageStore
  readonly history: History
  readonly slotsStructure: StructureId
  readonly bucketsStructure: StructureId
  /** Seeds the bucket hash; the same for the life of a database. */
  readonly hashSeed: number
  /** Is the record at this place the one `key` asks for? For ids that 16 bytes do not hold. */
  readonly sameId: (place: Lsn, key: RecordKey) => boolean
  readonly meta?: HeapMeta
}

/** No version there. */
export const NO_PLACE: Lsn = 0 as Lsn

export class VersionHeap implements VersionOwner {
  readonly slots: Slots
  readonly buckets: Buckets
  readonly #history: History
  readonly #owner: number
  readonly #sameId: (place: Lsn, key: RecordKey) => boolean
  /** The commit number of the newest installed change: a snapshot at or above it sees every slot as it is. */
  newestCommit: CommitNumber = 0 as CommitNumber

  constructor(options: HeapOptions) {
    this.slots = new Slots(options.store, options.slotsStructure, options.meta?.slots)
    this.buckets = new Buckets(
      options.store,
      options.bucketsStructure,
      this.slots,
      options.hashSeed,
      options.meta?.buckets,
    )
    this.#history = options.history
    this.#sameId = options.sameId
    this.#owner = options.history.addOwner(this)
  }

  meta(): HeapMeta {
    return { slots: this.slots.meta(), buckets: this.buckets.meta() }
  }

  /** Records alive in the newest installed state. */
  get liveCount(): number {
    return this.slots.liveCount
  }

  /** The slot of an id (a tombstone's too), or -1. */
  find(key: RecordKey): RecordNumber | -1 {
    const w = key.words
    const w0 = w[0]!
    const w1 = w[1]!
    const w2 = w[2]!
    const w3 = w[3]!
    const hash = this.buckets.hash(w0, w1, w2, w3)
    const proof = key.exact ? undefined : (slot: number) => this.#proves(slot, key)
    return this.buckets.find(hash, w0, w1, w2, w3, key.uuid, proof) as RecordNumber | -1
  }

  /** Is there a live record in the newest installed state? */
  isLive(slot: number): boolean {
    return !this.slots.isFree(slot) && !this.slots.isTombstone(slot)
  }

  /** Where the version that a reader at `snapshot` sees lies; NO_PLACE when it sees none. */
  placeAt(slot: number, snapshot: number): Lsn {
    const place = this.slots.placeIfSeen(slot, snapshot)
    if (place >= 0) return place as Lsn
    const version = this.#history.versionAt(this.slots.linkOf(slot), snapshot)
    return version > 0 ? this.#history.lsnOf(version - 1) : NO_PLACE
  }

  /** The commit number of the version that a reader at `snapshot` sees; 0 when it sees none. */
  commitAt(slot: number, snapshot: number): CommitNumber {
    const commit = this.slots.commitOf(slot)
    if (commit <= snapshot) return this.isLive(slot) ? commit : (0 as CommitNumber)
    const version = this.#history.versionAt(this.slots.linkOf(slot), snapshot)
    return version > 0 ? this.#history.beginOf(version - 1) : (0 as CommitNumber)
  }

  /** The commit number of the newest installed version of a live record; 0 when the slot has none. */
  newestOf(slot: number): CommitNumber {
    return this.slots.liveCommitOf(slot)
  }

  /**
   * The newest commit that changed a slot of a zone (512 slots, `slot >>> ZONE_BITS`), or more: removals too. Who has seen
   * the zone as of that commit has seen all of it.
   */
  zoneCommit(zone: number): CommitNumber {
    return this.slots.zoneCommit(zone)
  }

  /**
   * Appends the slots from `from` to before `to` in which a reader at `snapshot` sees a record, and another version of it,
   * or none, is installed. All of one zone.
   */
  noteChangedSince(from: number, to: number, snapshot: number, changed: number[]): void {
    const { slots } = this
    if (slots.zoneCommit(from >>> ZONE_BITS) <= snapshot) return
    for (
      let slot = slots.nextLinkedAfter(from, to, snapshot);
      slot < to;
      slot = slots.nextLinkedAfter(slot + 1, to, snapshot)
    ) {
      if (this.#history.versionAt(slots.linkOf(slot), snapshot) > 0) changed.push(slot)
    }
  }

  /** The newest superseded version that is still held: its place, and a snapshot that saw it. */
  newestSuperseded(slot: number): { readonly place: Lsn; readonly snapshot: CommitNumber } | undefined {
    const version = this.slots.linkOf(slot) - 1
    if (version < 0) return undefined
    return { place: this.#history.lsnOf(version), snapshot: this.#history.beginOf(version) }
  }

  /** True when no more than MAX_SLOTS records would be there after `count` more inserts. */
  hasRoom(count: number): boolean {
    return this.slots.highSlot + count <= MAX_SLOTS
  }

  /** Installs a put as the newest version; `slot` -1 makes one. Returns the slot. */
  put(slot: number, key: RecordKey, place: Lsn, commit: CommitNumber): RecordNumber {
    this.newestCommit = commit
    if (slot < 0) return this.#insert(key, place, commit)
    const slots = this.slots
    if (slots.isTombstone(slot)) {
      slots.tombstoneCount--
      slots.liveCount++
    } else this.#supersede(slot, commit)
    slots.setNewest(slot, place, commit, key.uuid, false)
    return slot as RecordNumber
  }

  /** Installs a delete of a live record. */
  remove(slot: number, place: Lsn, commit: CommitNumber, uuid: boolean): void {
    this.newestCommit = commit
    this.#supersede(slot, commit)
    this.slots.setNewest(slot, place, commit, uuid, true)
    this.slots.liveCount--
    this.slots.tombstoneCount++
  }

  /** Recovery: as `put`, without history; nobody reads yet. An older state never replaces a newer one. */
  replayPut(slot: number, key: RecordKey, place: Lsn, commit: CommitNumber): RecordNumber {
    if (commit > this.newestCommit) this.newestCommit = commit
    if (slot < 0) return this.#insert(key, place, commit)
    if (!this.isLive(slot)) {
      this.slots.tombstoneCount--
      this.slots.liveCount++
    }
    this.slots.setNewest(slot, place, commit, key.uuid, false)
    return slot as RecordNumber
  }

  /** Recovery: as `remove`; the slot is freed at once. `slot` -1: the record was not there. */
  replayRemove(slot: number, commit: CommitNumber): void {
    if (commit > this.newestCommit) this.newestCommit = commit
    if (slot < 0) return
    const live = this.isLive(slot)
    this.buckets.remove(slot)
    this.slots.free(slot)
    if (live) this.slots.liveCount--
    else this.slots.tombstoneCount--
  }

  /** Moves the newest version from one place to another, if it is still there. */
  relocate(slot: number, from: Lsn, to: Lsn): boolean {
    if (this.slots.isFree(slot) || this.slots.placeOf(slot) !== from) return false
    this.slots.setPlace(slot, to)
    return true
  }

  /** The history version whose bytes lie at `place`: its number + 1, or 0. */
  historyPlacedAt(slot: number, place: Lsn): number {
    return this.#history.versionPlacedAt(this.slots.linkOf(slot), place)
  }

  /** Called by history when a version of ours is dropped. */
  unlink(slot: number, version: number): void {
    const slots = this.slots
    const link = slots.linkOf(slot)
    if (link === version + 1) slots.setLink(slot, this.#history.nextOf(version))
    else {
      let at = link
      while (at > 0 && this.#history.nextOf(at - 1) !== version + 1) at = this.#history.nextOf(at - 1)
      invariant(at > 0, () => `version ${version} is not in the chain of slot ${slot}`)
      this.#history.setNext(at - 1, this.#history.nextOf(version))
    }
    if (slots.linkOf(slot) === 0 && slots.isTombstone(slot)) this.#freeTombstone(slot)
  }

  /**
   * After an open: frees the tombstones of the image in [from, from + count) slots, which nobody can need.
   * Returns the slot to go on from, or -1 when done.
   */
  sweepTombstones(from: number, count: number): number {
    const end = Math.min(this.slots.highSlot, from + count)
    for (let slot = from; slot < end && this.slots.tombstoneCount > 0; slot++) {
      if (this.slots.isTombstone(slot) && this.slots.linkOf(slot) === 0) this.#freeTombstone(slot)
    }
    return this.slots.tombstoneCount === 0 || end === this.slots.highSlot ? -1 : end
  }

  /** The collection is dropped: its pages go, versions in history are forgotten as they come up. */
  drop(): void {
    this.#history.removeOwner(this.#owner)
    this.slots.space.drop()
    this.buckets.space.drop()
  }

  #insert(key: RecordKey, place: Lsn, commit: CommitNumber): RecordNumber {
    const slots = this.slots
    const slot = slots.allocate()
    invariant(slot <= MAX_SLOTS, () => 'too many records for the record table')
    const w = key.words
    slots.setKey(slot, w)
    slots.setNewest(slot, place, commit, key.uuid, false)
    slots.liveCount++
    this.buckets.insert(this.buckets.hash(w[0]!, w[1]!, w[2]!, w[3]!), slot)
    return slot as RecordNumber
  }

  #supersede(slot: number, end: CommitNumber): void {
    const slots = this.slots
    const begin = slots.commitOf(slot)
    invariant(begin <= end, () => `commit ${end} supersedes the newer ${begin}`)
    // Two writes of one record in one commit leave no version that anybody could see between them.
    if (begin === end) return
    const version = this.#history.add(this.#owner, slot, slots.placeOf(slot), begin, end, slots.linkOf(slot))
    slots.setLink(slot, version + 1)
  }

  #freeTombstone(slot: number): void {
    this.buckets.remove(slot)
    this.slots.free(slot)
    this.slots.tombstoneCount--
  }

  #proves(slot: number, key: RecordKey): boolean {
    // A tombstone's segment may be cleaned while its slot lives; 120 bits of seeded hash then have to do.
    return this.slots.isTombstone(slot) || this.#sameId(this.slots.placeOf(slot), key)
  }
}
