/**
 * Holds on the log: who copies or walks it says from which segment on it is needed, and until then no segment from there
 * is cleaned or unlinked.
 *
 *   tail │ 7 8 9 10 11 │ head          hold(8): 7 may go, 8 … stay; advance(10): 8 and 9 may go
 *
 * A hold that is forgotten would let the log grow without end, so each has a bound in bytes: when more than that is kept
 * for it, it is lost. The log then goes on without it, and its holder is told when it next looks.
 */

/** One hold; end it with release(). */
export interface LogHold {
  /** The first segment that is kept. */
  readonly from: number
  /** True when it kept too much and was given up. */
  readonly lost: boolean
  /** Segments below are no longer needed. */
  advance(segment: number): void
  release(): void
}

interface Held {
  from: number
  lost: boolean
  readonly limitBytes: number
}

export class LogHolds {
  readonly #held = new Set<Held>()

  /** Keeps the log from `segment` on, as long as that is no more than `limitBytes`. */
  hold(segment: number, limitBytes: number): LogHold {
    const held: Held = { from: segment, lost: false, limitBytes }
    this.#held.add(held)
    return {
      get from() {
        return held.from
      },
      get lost() {
        return held.lost
      },
      advance: (next) => {
        held.from = Math.max(held.from, next)
      },
      release: () => {
        this.#held.delete(held)
      },
    }
  }

  /** The first segment that somebody needs; Infinity when nobody does. `bytesFrom`: what the log has from a segment on. */
  first(bytesFrom: (segment: number) => number): number {
    let first = Number.POSITIVE_INFINITY
    for (const held of this.#held) {
      if (bytesFrom(held.from) > held.limitBytes) {
        held.lost = true
        this.#held.delete(held)
      } else first = Math.min(first, held.from)
    }
    return first
  }
}
