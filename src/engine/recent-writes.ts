/**
 * Which records were changed by which commit, lately: what a serializable transaction's reads are tested against. Kept
 * only while such a transaction is open, and bounded: a transaction older than what is kept cannot be validated and
 * has to run again.
 */
import type { CommitNumber } from '../base/ids.ts'
import type { CollectionState } from './collection-state.ts'

/** The most writes kept: 2^20 of about 24 bytes. */
const MAX_WRITES = 1 << 20

export class RecentWrites {
  #commits: number[] = []
  #collections: CollectionState[] = []
  #slots: number[] = []
  #readers = 0
  /** Writes at or below this commit are not all kept. */
  #floor: CommitNumber = 0 as CommitNumber

  /** A reader begins at `snapshot`: from here writes are kept. */
  begin(snapshot: CommitNumber): void {
    if (this.#readers++ === 0) this.#floor = snapshot
  }

  end(): void {
    if (--this.#readers > 0) return
    this.#commits = []
    this.#collections = []
    this.#slots = []
  }

  note(commit: CommitNumber, collection: CollectionState, slot: number): void {
    if (this.#readers === 0) return
    if (this.#commits.length >= MAX_WRITES) this.#dropOldest()
    this.#commits.push(commit)
    this.#collections.push(collection)
    this.#slots.push(slot)
  }

  /** True when every write after `snapshot` is kept. */
  covers(snapshot: CommitNumber): boolean {
    return snapshot >= this.#floor
  }

  /** How many writes came after `commit`. */
  countAfter(commit: number): number {
    return this.#commits.length - this.#firstAfter(commit)
  }

  /**
   * Visits up to `most` writes after `commit`; `visit` returns true to stop. Returns the commit up to which all were
   * visited.
   */
  visitAfter(
    commit: number,
    most: number,
    visit: (collection: CollectionState, slot: number) => boolean,
  ): { readonly upTo: number; readonly stopped: boolean } {
    const commits = this.#commits
    let at = this.#firstAfter(commit)
    const stop = Math.min(commits.length, at + most)
    // Only whole commits count as visited, so the last one is visited to its end.
    for (; at < stop || (at < commits.length && commits[at] === commits[at - 1]); at++) {
      if (visit(this.#collections[at]!, this.#slots[at]!)) return { upTo: commit, stopped: true }
    }
    return { upTo: at === 0 ? commit : Math.max(commit, commits[at - 1]!), stopped: false }
  }

  #firstAfter(commit: number): number {
    const commits = this.#commits
    let low = 0
    let high = commits.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (commits[middle]! <= commit) low = middle + 1
      else high = middle
    }
    return low
  }

  #dropOldest(): void {
    const half = this.#commits.length >>> 1
    this.#floor = this.#commits[half - 1]! as CommitNumber
    this.#commits = this.#commits.slice(half)
    this.#collections = this.#collections.slice(half)
    this.#slots = this.#slots.slice(half)
  }
}
