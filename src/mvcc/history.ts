/**
 * Superseded versions: volatile, each with the interval of commit numbers [begin, end) in which it was the newest.
 * One pool of typed arrays for the whole database; a record's versions are chained from its slot, newest first.
 *
 *   slot.link → v3 [40, 52) → v2 [17, 40) → v1 [9, 17)
 *
 * A version is garbage when no live snapshot falls in its interval, even while older snapshots live. Two ways lead there:
 *  - `queue`: versions in the order of their `end`. Once `end` is visible, no new reader can come to see them; the ones
 *    no live snapshot sees are dropped, the others are pinned under the newest snapshot that sees them;
 *  - when that snapshot goes, its pinned versions are tested again.
 * So each version is looked at once per snapshot that sees it, and a long reader costs what it can see, nothing else.
 */
import type { CommitNumber, Lsn } from '../base/ids.ts'
import type { SnapshotRegistry } from './snapshots.ts'

/** What a heap does when one of its versions is dropped. */
export interface VersionOwner {
  unlink(slot: number, version: number): void
}

/** Bytes of a version in the pool, for memory accounts. */
export const VERSION_BYTES = 44

export class History {
  readonly #owners: (VersionOwner | undefined)[] = []
  readonly #snapshots: SnapshotRegistry
  #capacity = 1024
  #lsn = new Float64Array(this.#capacity)
  #begin = new Float64Array(this.#capacity)
  #end = new Float64Array(this.#capacity)
  #slot = new Uint32Array(this.#capacity)
  #owner = new Uint32Array(this.#capacity)
  /** Next older version of the record + 1; in a free one the next free + 1. */
  #next = new Int32Array(this.#capacity)
  /** Next in the queue or in a snapshot's pinned list, + 1. */
  #follow = new Int32Array(this.#capacity)
  #high = 0
  #free = 0
  #count = 0
  #dropped = 0
  #queueHead = 0
  #queueTail = 0
  /** First pinned version + 1, by the snapshot that sees it. */
  readonly #pinned = new Map<number, number>()
  /** Told the place of each version that is dropped. */
  onDrop: ((place: Lsn) => void) | undefined
  /** Lists whose snapshot has gone, to be tested again. */
  readonly #retest: number[] = []

  constructor(snapshots: SnapshotRegistry) {
    this.#snapshots = snapshots
    snapshots.onRelease = (commit) => this.#unpin(commit)
  }

  /** Registers a heap; the number it gets names it in versions. */
  addOwner(owner: VersionOwner): number {
    return this.#owners.push(owner) - 1
  }

  /** Versions of an owner that goes are dropped as they come up. */
  removeOwner(owner: number): void {
    this.#owners[owner] = undefined
  }

  get count(): number {
    return this.#count
  }

  /** Versions dropped so far. */
  get droppedCount(): number {
    return this.#dropped
  }

  /** Adds a version superseded at `end`; `end` never falls from call to call. Returns its number. */
  add(owner: number, slot: number, lsn: Lsn, begin: CommitNumber, end: CommitNumber, next: number): number {
    let version = this.#free - 1
    if (version >= 0) this.#free = this.#next[version]!
    else {
      version = this.#high++
      if (version === this.#capacity) this.#grow()
    }
    this.#lsn[version] = lsn
    this.#begin[version] = begin
    this.#end[version] = end
    this.#slot[version] = slot
    this.#owner[version] = owner
    this.#next[version] = next
    this.#follow[version] = 0
    if (this.#queueTail > 0) this.#follow[this.#queueTail - 1] = version + 1
    else this.#queueHead = version + 1
    this.#queueTail = version + 1
    this.#count++
    return version
  }

  /** Walks a chain from `link` for the version that holds `snapshot`: its number + 1, or 0. */
  versionAt(link: number, snapshot: number): number {
    let at = link
    while (at > 0) {
      const version = at - 1
      if (this.#begin[version]! <= snapshot) return snapshot < this.#end[version]! ? at : 0
      at = this.#next[version]!
    }
    return 0
  }

  /** The version in a chain whose bytes lie at `lsn`: its number + 1, or 0. */
  versionPlacedAt(link: number, lsn: number): number {
    let at = link
    while (at > 0 && this.#lsn[at - 1] !== lsn) at = this.#next[at - 1]!
    return at
  }

  lsnOf(version: number): Lsn {
    return this.#lsn[version]! as Lsn
  }

  setLsn(version: number, lsn: Lsn): void {
    this.#lsn[version] = lsn
  }

  beginOf(version: number): CommitNumber {
    return this.#begin[version]! as CommitNumber
  }

  endOf(version: number): CommitNumber {
    return this.#end[version]! as CommitNumber
  }

  nextOf(version: number): number {
    return this.#next[version]!
  }

  setNext(version: number, next: number): void {
    this.#next[version] = next
  }

  /** Drops up to `most` versions that nobody can see any more; false when there is nothing left to do now. */
  prune(visible: CommitNumber, most: number): boolean {
    let left = most
    while (left > 0 && this.#queueHead > 0) {
      const version = this.#queueHead - 1
      if (this.#end[version]! > visible) break
      this.#queueHead = this.#follow[version]!
      if (this.#queueHead === 0) this.#queueTail = 0
      this.#settle(version)
      left--
    }
    while (left > 0 && this.#retest.length > 0) {
      const head = this.#retest[this.#retest.length - 1]!
      const version = head - 1
      const follow = this.#follow[version]!
      if (follow > 0) this.#retest[this.#retest.length - 1] = follow
      else this.#retest.pop()
      this.#settle(version)
      left--
    }
    return left === 0
  }

  #settle(version: number): void {
    const holder = this.#snapshots.newestIn(this.#begin[version]!, this.#end[version]!)
    if (holder < 0) {
      this.#owners[this.#owner[version]!]?.unlink(this.#slot[version]!, version)
      this.onDrop?.(this.#lsn[version]! as Lsn)
      this.#next[version] = this.#free
      this.#free = version + 1
      this.#count--
      this.#dropped++
      return
    }
    this.#follow[version] = this.#pinned.get(holder) ?? 0
    this.#pinned.set(holder, version + 1)
  }

  #unpin(commit: number): void {
    const head = this.#pinned.get(commit)
    if (head === undefined) return
    this.#pinned.delete(commit)
    this.#retest.push(head)
  }

  #grow(): void {
    this.#capacity *= 2
    this.#lsn = grown(this.#lsn, new Float64Array(this.#capacity))
    this.#begin = grown(this.#begin, new Float64Array(this.#capacity))
    this.#end = grown(this.#end, new Float64Array(this.#capacity))
    this.#slot = grown(this.#slot, new Uint32Array(this.#capacity))
    this.#owner = grown(this.#owner, new Uint32Array(this.#capacity))
    this.#next = grown(this.#next, new Int32Array(this.#capacity))
    this.#follow = grown(this.#follow, new Int32Array(this.#capacity))
  }
}

function grown<T extends Float64Array | Uint32Array | Int32Array>(from: T, to: T): T {
  to.set(from)
  return to
}
