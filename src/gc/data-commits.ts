/**
 * Commit numbers of transactions whose DATA lies in an older segment than the COMMIT that names it. The cleaner meets the
 * DATA first, so this is remembered by segment, and kept in the directory: what lies before C is not replayed.
 *
 * A transaction whose DATA is not noted here, and not named by a COMMIT of its own segment, never committed: it is void.
 */
import type { CommitNumber } from '../base/ids.ts'
import type { DataCommit } from './directory-image.ts'

export class DataCommits {
  readonly #bySegment = new Map<number, Map<number, CommitNumber>>()

  /** A COMMIT in a later segment names DATA of `transaction` in `segment`. */
  note(segment: number, transaction: number, commit: CommitNumber): void {
    let commits = this.#bySegment.get(segment)
    if (commits === undefined) {
      commits = new Map()
      this.#bySegment.set(segment, commits)
    }
    commits.set(transaction, commit)
  }

  commitOf(segment: number, transaction: number): CommitNumber | undefined {
    return this.#bySegment.get(segment)?.get(transaction)
  }

  /** Segments below `segment` are gone. */
  forgetBelow(segment: number): void {
    for (const id of this.#bySegment.keys()) if (id < segment) this.#bySegment.delete(id)
  }

  /** For the directory. */
  entries(): DataCommit[] {
    const list: DataCommit[] = []
    for (const [segment, commits] of this.#bySegment) {
      for (const [transaction, commit] of commits) list.push({ segment, transaction, commit })
    }
    return list
  }

  restore(entries: readonly DataCommit[]): void {
    for (const { segment, transaction, commit } of entries) this.note(segment, transaction, commit)
  }
}
