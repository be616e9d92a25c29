/**
 * Publishing: what is installed becomes visible, in commit order, once the log has it as durably as its writer asked.
 *
 *   installed ──(log has it)──▶ visible ──▶ acknowledged
 *
 * Invariants
 *  - `visible` only rises, and never passes a full commit that is not durable (12);
 *  - it rises before a promise resolves, so that whoever was acknowledged reads what he wrote;
 *  - after a failure nothing more becomes visible, and whoever waits is told COMMIT_UNKNOWN (16).
 */
import { BlazeError } from '../base/errors.ts'
import type { CommitNumber, Lsn } from '../base/ids.ts'

export type Durability = 'full' | 'relaxed' | 'none'

/** Refuses what is none: a commit that asked for it would never be acknowledged. */
export function checkedDurability(durability: Durability): Durability {
  if (durability === 'full' || durability === 'relaxed' || durability === 'none') return durability
  throw new BlazeError(
    'INVALID_ARGUMENT',
    `durability is one of full, relaxed, none, found ${String(durability)}; nothing was written`,
    { argument: 'durability' },
  )
}

/** A commit on its way. */
export interface Pending {
  readonly commit: CommitNumber
  /** The log's end after its last item. */
  readonly end: Lsn
  readonly durability: Durability
  /** Called once: without an error when it is visible. */
  readonly settle: (error: BlazeError | undefined) => void
}

interface Waiter {
  readonly commit: CommitNumber
  readonly settle: (error: BlazeError | undefined) => void
}

export class Publisher {
  visible: CommitNumber
  #queue: Pending[] = []
  #head = 0
  #waiters: Waiter[] = []
  #durable: Lsn
  #accepted: Lsn
  #failure: BlazeError | undefined
  readonly #onPublished: () => void

  constructor(start: { readonly commit: CommitNumber; readonly end: Lsn }, onPublished: () => void) {
    this.visible = start.commit
    this.#durable = start.end
    this.#accepted = start.end
    this.#onPublished = onPublished
  }

  /** The first failure of the log; undefined while all is well. */
  get failure(): BlazeError | undefined {
    return this.#failure
  }

  /** Commits installed and not yet visible. */
  get pendingCount(): number {
    return this.#queue.length - this.#head
  }

  push(pending: Pending): void {
    this.#queue.push(pending)
    if (pending.durability === 'none') this.#publish()
  }

  /** The log's word: up to where the device has it, up to where the operating system has it. */
  advanced(durable: Lsn, accepted: Lsn): void {
    this.#durable = durable
    this.#accepted = accepted
    this.#publish()
  }

  /** The log is poisoned. */
  failed(cause: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = new BlazeError(
      'POISONED',
      'a write to the log failed, so the database takes no more writes; reads go on. Close it and open it again to write.',
      undefined,
      { cause },
    )
    const waiting = this.#queue.slice(this.#head)
    this.#queue = []
    this.#head = 0
    for (const pending of waiting) pending.settle(unknownOutcome(cause))
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter.settle(unknownOutcome(cause))
  }

  /** Calls back once `commit` is visible: now, if it is. */
  whenVisible(commit: CommitNumber, settle: (error: BlazeError | undefined) => void): void {
    if (commit <= this.visible) settle(undefined)
    else if (this.#failure !== undefined) settle(unknownOutcome(this.#failure.cause))
    else this.#waiters.push({ commit, settle })
  }

  #publish(): void {
    const queue = this.#queue
    const first = this.#head
    let at = first
    while (at < queue.length && this.#has(queue[at]!)) this.visible = queue[at++]!.commit
    if (at === first) return
    const done = first === 0 && at === queue.length ? queue : queue.slice(first, at)
    this.#head = at
    if (at === queue.length) {
      this.#queue = []
      this.#head = 0
    } else if (at > 1024) {
      this.#queue = queue.slice(at)
      this.#head = 0
    }
    for (const pending of done) pending.settle(undefined)
    if (this.#waiters.length > 0) this.#wake()
    this.#onPublished()
  }

  #has(pending: Pending): boolean {
    if (pending.durability === 'full') return pending.end <= this.#durable
    return pending.durability === 'none' || pending.end <= this.#accepted
  }

  #wake(): void {
    const visible = this.visible
    const ready = this.#waiters.filter((waiter) => waiter.commit <= visible)
    if (ready.length === 0) return
    this.#waiters = this.#waiters.filter((waiter) => waiter.commit > visible)
    for (const waiter of ready) waiter.settle(undefined)
  }
}

function unknownOutcome(cause: unknown): BlazeError<'COMMIT_UNKNOWN'> {
  return new BlazeError(
    'COMMIT_UNKNOWN',
    'the write to the log failed, so it is not known whether this commit is on disk. Nothing was acknowledged; open the database again and look before doing it once more.',
    undefined,
    { cause },
  )
}
