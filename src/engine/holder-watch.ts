/**
 * Transactions, snapshots and iterations that nobody ends. What they hold back is history, for ever: so whoever holds a
 * snapshot for longer than a moment is watched.
 *
 *   acquire ──(a second)──▶ weak: the engine forgets the holder, and is told when it is collected ──▶ given back, reported
 *                             └──(health.…AgeMs)──▶ reported, once
 *
 * What ends within its first second, as nearly everything does, costs a comparison: only then is the engine's own
 * reference to the holder (its hold's `owner`, its entry in `core.open`) exchanged for a weak one. What refers to a
 * holder is all that can still read through it (handles, collections of it, running queries), so a collected one has no
 * reader left; were there one after all, its hold is ended and its next use is refused.
 *
 * What it does not do: find what is held on purpose and forgotten (that is what the report by age is for), nor collect
 * garbage: when a dropped holder is found is up to the runtime.
 */
import { type Bag, UNBAGGED } from '../base/bag.ts'
import type { SnapshotHold, SnapshotRegistry } from '../mvcc/snapshots.ts'
import type { Clock } from '../platform/platform.ts'
import { type HolderKind, leaks } from './diagnostics.ts'
import type { HealthLimits } from './health-limits.ts'
import type { OpenHandle } from './open-handle.ts'
import type { RecentWrites } from './recent-writes.ts'

/** A handle that can be dropped: it finds its entry in `core.open` by `entry`. */
export interface Holder extends OpenHandle {
  /** What stands for it in `core.open`. */
  entry: OpenHandle
  /** It has begun in the ring of recent writes. */
  readonly isTracked: boolean
}

/** What is given back for a holder that has been collected. It must not refer to it. */
interface Held {
  readonly hold: SnapshotHold
  readonly entry: OpenHandle | undefined
  readonly isTracked: boolean
}

/** What of the engine is watched, and told what was given back. */
interface WatchHost {
  readonly path: string
  readonly clock: Clock
  readonly limits: HealthLimits
  readonly snapshots: SnapshotRegistry
  readonly open: Bag<OpenHandle>
  readonly recent: RecentWrites
}

/** Nearly everything ends sooner, and whoever waits for a report of a dropped one waits for a garbage collection anyway. */
const WEAK_AFTER_MS = 1000

export class HolderWatch {
  readonly #host: WatchHost
  readonly #registry = new FinalizationRegistry<Held>((held) => this.#collected(held))
  /** When the holds are looked at next, by the wall clock of their `sinceMs`. */
  #dueMs = Number.POSITIVE_INFINITY
  #cancel: (() => void) | undefined
  /** Holders that were collected without an end. */
  leakedCount = 0

  constructor(host: WatchHost) {
    this.#host = host
  }

  /** A hold was acquired at `nowMs`. Cheap: called for every query and transaction. */
  note(nowMs: number): void {
    if (nowMs + WEAK_AFTER_MS < this.#dueMs) this.#arm(nowMs, nowMs + WEAK_AFTER_MS)
  }

  /** The database is closed. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#dueMs = Number.POSITIVE_INFINITY
  }

  #arm(nowMs: number, dueMs: number): void {
    this.#cancel?.()
    this.#dueMs = dueMs
    this.#cancel = this.#host.clock.after(Math.max(1, dueMs - nowMs), () => this.#look())
  }

  /** Lets go of those that are old enough, reports those that are too old. */
  #look(): void {
    this.#cancel = undefined
    const nowMs = this.#host.clock.now()
    let dueMs = Number.POSITIVE_INFINITY
    for (const hold of [...this.#host.snapshots.holds()]) dueMs = Math.min(dueMs, this.#lookAt(hold, nowMs))
    if (dueMs < Number.POSITIVE_INFINITY) this.#arm(nowMs, dueMs)
    else this.#dueMs = dueMs
  }

  /** When this one is to be looked at again. */
  #lookAt(hold: SnapshotHold, nowMs: number): number {
    const { owner, sinceMs } = hold
    if (owner !== undefined && nowMs - sinceMs < WEAK_AFTER_MS) return sinceMs + WEAK_AFTER_MS
    if (owner !== undefined) this.#letGo(hold, owner)
    if (hold.reported) return Number.POSITIVE_INFINITY
    const lateMs = sinceMs + this.#patienceMs(hold)
    if (nowMs < lateMs) return lateMs
    hold.reported = true
    this.#report(hold, 'age', nowMs)
    return Number.POSITIVE_INFINITY
  }

  #letGo(hold: SnapshotHold, owner: object): void {
    hold.owner = undefined
    const entry = isHolder(owner) ? weakEntry(this.#host.open, owner) : undefined
    const isTracked = isHolder(owner) && owner.isTracked
    this.#registry.register(owner, { hold, entry, isTracked })
  }

  #collected({ hold, entry, isTracked }: Held): void {
    const { snapshots, open, recent, clock } = this.#host
    const isOpen = entry === undefined ? snapshots.has(hold) : open.delete(entry)
    if (!isOpen) return
    this.leakedCount++
    if (isTracked) recent.end()
    if (snapshots.has(hold)) snapshots.end(hold)
    this.#report(hold, 'collected', clock.now())
  }

  #patienceMs({ holder }: SnapshotHold): number {
    const { limits } = this.#host
    return kindOfHolder(holder) === 'transaction' ? limits.transactionAgeMs : limits.snapshotAgeMs
  }

  #report(hold: SnapshotHold, reason: 'collected' | 'age', nowMs: number): void {
    if (!leaks.isHeard) return
    leaks.tell({
      path: this.#host.path,
      reason,
      kind: kindOfHolder(hold.holder),
      holder: hold.holder,
      commitNumber: hold.commit,
      ageMs: nowMs - hold.sinceMs,
      openedAt: hold.openedAt,
    })
  }
}

/** What kind of holder goes by a label. */
export function kindOfHolder(label: string): HolderKind {
  if (label === 'query') return 'query'
  return SNAPSHOTS.has(label) ? 'snapshot' : 'transaction'
}

const SNAPSHOTS: ReadonlySet<string> = new Set(['snapshot', 'asOf', 'dump', 'dumpStream'])

function isHolder(owner: object): owner is Holder {
  return 'entry' in owner
}

/** Exchanges a holder's entry in `core.open` for one that does not keep it. */
function weakEntry(open: Bag<OpenHandle>, holder: Holder): OpenHandle {
  const { label, holdsClose, openedAt } = holder
  const ref = new WeakRef(holder)
  const entry: OpenHandle = { label, holdsClose, openedAt, bagIndex: UNBAGGED, end: () => ref.deref()?.end() }
  open.delete(holder.entry)
  open.add(entry)
  holder.entry = entry
  return entry
}
