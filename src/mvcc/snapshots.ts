/**
 * Live snapshots: which commit numbers somebody still reads at. A snapshot is a commit number and a registration; it
 * copies nothing. What the garbage collector asks is `anyIn(begin, end)`: does any live snapshot fall in the interval
 * in which a version was the newest? (Böttcher et al., "Scalable Garbage Collection for In-Memory MVCC Systems", 2019.)
 */
import { Bag, type Bagged, UNBAGGED } from '../base/bag.ts'
import type { CommitNumber } from '../base/ids.ts'
import { invariant } from '../base/invariant.ts'

/** A held snapshot. */
export interface SnapshotHold extends Bagged {
  readonly commit: CommitNumber
  /** Who holds it, for stats and errors. */
  readonly holder: string
  readonly sinceMs: number
  /** Where it was opened, when that is noted. */
  readonly openedAt: string | undefined
  /** Who reads through it, until whoever watches for dropped holders exchanges it for a weak reference. */
  owner: object | undefined
  /** Its age has been reported. */
  reported: boolean
  /** Set when the engine ended it because its history grew past the limit. */
  ended: boolean
}

export class SnapshotRegistry {
  /** Distinct commit numbers that are held, ascending, and how many hold each. */
  readonly #commits: number[] = []
  readonly #counts: number[] = []
  readonly #holds = new Bag<SnapshotHold>()
  /** Told when the last hold of a commit number goes. */
  onRelease: ((commit: CommitNumber) => void) | undefined

  acquire(commit: CommitNumber, holder: string, nowMs: number, openedAt?: string): SnapshotHold {
    const hold: SnapshotHold = {
      commit,
      holder,
      sinceMs: nowMs,
      openedAt,
      owner: undefined,
      reported: false,
      ended: false,
      bagIndex: UNBAGGED,
    }
    this.#holds.add(hold)
    const at = this.#lowerBound(commit)
    if (this.#commits[at] === commit) this.#counts[at]!++
    else if (at === this.#commits.length) {
      // Nearly always the newest: without the arrays that splice makes.
      this.#commits.push(commit)
      this.#counts.push(1)
    } else {
      this.#commits.splice(at, 0, commit)
      this.#counts.splice(at, 0, 1)
    }
    return hold
  }

  /** Takes a hold away from its holder, whose next use finds it ended. */
  end(hold: SnapshotHold): void {
    this.release(hold)
    hold.ended = true
  }

  /** Ends a hold; ending it twice is a defect of the caller, unless it was taken away. */
  release(hold: SnapshotHold): void {
    if (hold.ended) return
    invariant(this.#holds.delete(hold), () => 'a snapshot is released twice')
    const at = this.#lowerBound(hold.commit)
    if (--this.#counts[at]! > 0) return
    if (at === this.#commits.length - 1) {
      this.#commits.pop()
      this.#counts.pop()
    } else {
      this.#commits.splice(at, 1)
      this.#counts.splice(at, 1)
    }
    this.onRelease?.(hold.commit)
  }

  /** The newest live snapshot S with begin ≤ S < end, or -1. */
  newestIn(begin: number, end: number): number {
    const at = this.#lowerBound(end) - 1
    if (at < 0) return -1
    const commit = this.#commits[at]!
    return commit >= begin ? commit : -1
  }

  get oldest(): CommitNumber | undefined {
    return this.#commits[0] as CommitNumber | undefined
  }

  /** The hold that reads furthest in the past. */
  oldestHold(): SnapshotHold | undefined {
    let oldest: SnapshotHold | undefined
    for (const hold of this.#holds) if (oldest === undefined || hold.commit < oldest.commit) oldest = hold
    return oldest
  }

  get count(): number {
    return this.#holds.size
  }

  /** False when it was released or ended. */
  has(hold: SnapshotHold): boolean {
    return hold.bagIndex !== UNBAGGED
  }

  holds(): Iterable<SnapshotHold> {
    return this.#holds
  }

  #lowerBound(commit: number): number {
    const commits = this.#commits
    let low = 0
    let high = commits.length
    if (high > 0 && commits[high - 1]! < commit) return high
    while (low < high) {
      const middle = (low + high) >>> 1
      if (commits[middle]! < commit) low = middle + 1
      else high = middle
    }
    return low
  }
}
