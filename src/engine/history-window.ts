/**
 * How far back the past can be read although nobody held a snapshot of it: `retain.historyMs`.
 *
 *   marks      (t₁, 40) (t₂, 52) (t₃, 90) …       visible rose to 40 at t₁, to 52 at t₂
 *   horizon    the last mark that is historyMs old, or older: what was visible then, and since, can be read
 *
 * What the horizon passes is given up for good, so it only rises: a version that no snapshot held was dropped behind it.
 * Some marks for a window are enough: one that is left out makes the horizon stay behind, and keep a little more.
 */
import type { CommitNumber } from '../base/ids.ts'

/** Marks of a window: what is kept beyond it is a hundredth. */
const MARKS = 100
/** However short the window, nobody wakes more often for it. */
const MIN_STEP_MS = 10

export class HistoryWindow {
  readonly #historyMs: number
  #times: number[]
  #commits: CommitNumber[]

  /** Nothing before `visible` can be read: history does not outlive an open. */
  constructor(historyMs: number, nowMs: number, visible: CommitNumber) {
    this.#historyMs = historyMs
    this.#times = [nowMs]
    this.#commits = [visible]
  }

  /** How long to wait before it is worth looking at the horizon again. */
  get stepMs(): number {
    return Math.max(MIN_STEP_MS, this.#historyMs / MARKS)
  }

  /** `commit` has become visible. */
  note(nowMs: number, commit: CommitNumber): void {
    const last = this.#times.length - 1
    // The last mark moves on until it is a step away from the one before.
    const at = last > 0 && nowMs - this.#times[last - 1]! < this.stepMs ? last : last + 1
    this.#times[at] = nowMs
    this.#commits[at] = commit
  }

  /** The oldest commit that can be read. */
  horizon(nowMs: number): CommitNumber {
    let passed = 0
    while (passed + 1 < this.#times.length && nowMs - this.#times[passed + 1]! >= this.#historyMs) passed++
    if (passed > 0) this.#forget(passed)
    return this.#commits[0]!
  }

  /** Gives up the oldest part, for want of memory; false when there is nothing before `visible` to give up. */
  shorten(visible: CommitNumber): boolean {
    if (this.#commits[0]! >= visible) return false
    if (this.#commits.length > 1) this.#forget(1)
    else this.#commits[0] = visible
    return true
  }

  #forget(count: number): void {
    this.#times.splice(0, count)
    this.#commits.splice(0, count)
  }
}
