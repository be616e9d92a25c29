/**
 * A transaction: a snapshot, a write set, and what was read. Reading and writing go to memory only; `commit` validates
 * and installs in one turn (commit.ts, conflict.ts). Nothing of it is visible to anybody before that, and nothing of a
 * transaction that does not commit ever is.
 *
 *   begin ── reads at S, own writes first ── validate in slices ── validate the rest, install ── durable ── resolved
 */
import { UNBAGGED } from '../base/bag.ts'
import { BlazeError, isBlazeError } from '../base/errors.ts'
import type { CommitNumber } from '../base/ids.ts'
import { invariant } from '../base/invariant.ts'
import type { SnapshotHold } from '../mvcc/snapshots.ts'
import { commit } from './commit.ts'
import { ReadSet, validatePoints, validatePredicates, validateWrites } from './conflict.ts'
import { TransactionContext } from './contexts.ts'
import type { Core } from './core.ts'
import { readOnlyError } from './core.ts'
import { conflicts } from './diagnostics.ts'
import type { Holder } from './holder-watch.ts'
import type { OpenHandle } from './open-handle.ts'
import { checkedDurability, type Durability } from './publisher.ts'
import { TransactionView } from './read-view.ts'
import { snapshotTooOld } from './snapshot-too-old.ts'

export type Isolation = 'serializable' | 'snapshot'

function checkedIsolation(isolation: Isolation): Isolation {
  if (isolation === 'serializable' || isolation === 'snapshot') return isolation
  throw new BlazeError(
    'INVALID_ARGUMENT',
    `isolation is one of serializable, snapshot, found ${String(isolation)}; nothing was written`,
    { argument: 'isolation' },
  )
}

export interface TransactionSettings {
  readonly isolation: Isolation
  readonly durability: Durability
  readonly label: string
}

/** Writes to test in one slice of validation, and the most that are left for the commit's own turn, unless others write faster. */
const VALIDATE_SLICE = 500

/** Above it the segments that a commit will fill are prepared before its turn: two of the largest are ready anyway. */
const LARGE_COMMIT_BYTES = 0x1000000

type State = 'open' | 'committing' | 'ended'

/** The state behind a user's transaction handle. */
export class TransactionSession implements Holder {
  readonly core: Core
  readonly label: string
  readonly holdsClose = true
  bagIndex: number = UNBAGGED
  entry: OpenHandle = this
  readonly context: TransactionContext
  readonly view: TransactionView
  readonly #settings: TransactionSettings
  readonly #hold: SnapshotHold
  #state: State = 'open'
  #endedBy: BlazeError | undefined

  constructor(core: Core, settings: TransactionSettings) {
    core.assertOpen()
    if (core.options.readOnly) throw readOnlyError()
    const isolation = checkedIsolation(settings.isolation)
    checkedDurability(settings.durability)
    this.core = core
    this.#settings = settings
    this.label = settings.label
    // After a failure what is installed beyond `visible` will never be published.
    const newest = core.publisher.failure === undefined ? core.installed : core.publisher.visible
    this.#hold = core.hold(newest, settings.label)
    this.#hold.owner = this
    const tracked = isolation === 'serializable'
    this.context = new TransactionContext(core, newest, tracked ? new ReadSet() : undefined)
    this.view = new TransactionView(core, this.context, () => this.assertOpen())
    if (tracked) core.recent.begin(newest)
    core.open.add(this)
  }

  get openedAt(): string | undefined {
    return this.#hold.openedAt
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get isTracked(): boolean {
    return this.context.reads !== undefined
  }

  /** Throws when the transaction has ended. */
  assertOpen(): void {
    if (this.#state === 'open') {
      if (this.#hold.ended) throw snapshotTooOld(this.label)
      return
    }
    throw (
      this.#endedBy ??
      new BlazeError(
        'TRANSACTION_CLOSED',
        'this transaction has ended; what it committed stays, and this call did nothing. Do all its work before its function returns.',
        undefined,
      )
    )
  }

  /** Ends it from outside (close, timeout): its next use throws that. */
  end(error?: BlazeError): void {
    if (this.#state !== 'open') return
    this.#endedBy = error
    this.#finish()
  }

  /** Gives up all that was written. */
  rollback(): void {
    if (this.#state === 'open') this.#finish()
  }

  /** Resolves when what was written, or read, is published. Rejects with CONFLICT, and what else commits meet. */
  async commit(): Promise<void> {
    this.assertOpen()
    if (this.context.writes.isEmpty) {
      const { snapshot } = this.context
      this.#finish()
      await new Promise<void>((resolve, reject) => {
        this.core.publisher.whenVisible(snapshot, (error) => (error === undefined ? resolve() : reject(error)))
      })
      return
    }
    this.#state = 'committing'
    let validated: number
    try {
      const { sizeBytes } = this.context.writes
      if (sizeBytes > LARGE_COMMIT_BYTES) await this.core.log.makeRoom(sizeBytes)
      validated = await this.#validateAhead()
    } catch (error) {
      this.#finish()
      this.#noteConflict(error)
      throw error
    }
    await new Promise<void>((resolve, reject) => {
      this.#commitNow(validated, (error) => (error === undefined ? resolve() : reject(error)))
    })
  }

  /** Validates all and installs in this turn. Throws; otherwise `settle` tells the outcome. */
  commitSync(settle: (error: BlazeError | undefined) => void): void {
    this.assertOpen()
    this.#state = 'committing'
    let refused: unknown
    this.#commitNow(this.context.snapshot, settle, (error) => {
      refused = error
    })
    if (refused !== undefined) throw refused
  }

  #commitNow(
    validatedUpTo: number,
    settle: (error: BlazeError | undefined) => void,
    refuse?: (error: unknown) => void,
  ): void {
    const { core, context } = this
    try {
      core.assertWritable()
      if (this.#hold.ended) throw snapshotTooOld(this.label)
      validateWrites(context.writes, context.snapshot)
      if (context.reads !== undefined && !context.reads.isEmpty) {
        this.#assertCovered()
        validatePoints(context.reads, context.snapshot)
        validatePredicates(core, context.reads, context.snapshot, validatedUpTo, Number.MAX_SAFE_INTEGER)
      }
      commit(core, context.writes, { durability: this.#settings.durability, snapshot: context.snapshot }, settle)
    } catch (error) {
      this.#noteConflict(error)
      if (refuse !== undefined) refuse(error)
      // The winner may be installed and not yet published: the next attempt would only meet it again.
      else core.publisher.whenVisible(core.installed, () => settle(error as BlazeError))
    } finally {
      this.#finish()
    }
  }

  #noteConflict(error: unknown): void {
    if (!isBlazeError(error, 'CONFLICT')) return
    this.core.conflictCount++
    if (!conflicts.isHeard) return
    conflicts.tell({ path: this.core.path, holder: this.label, records: error.details.records })
  }

  /**
   * Validates in slices until the rest fits the commit's own turn; gives the commit up to which it did. Others commit between
   * two slices: when they write about as fast as is validated the slices grow, or it would wait as long as they go on.
   */
  async #validateAhead(): Promise<number> {
    let validated: number = this.context.snapshot
    let slice = VALIDATE_SLICE
    let left = this.#unvalidated(validated)
    while (left > slice) {
      validated = this.#validateSome(validated, slice)
      await this.core.platform.clock.yield()
      const before = left
      left = this.#unvalidated(validated)
      if (left > before - VALIDATE_SLICE / 2) slice *= 2
    }
    return validated
  }

  #validateSome(upTo: number, most: number): number {
    const { reads, snapshot } = this.context
    invariant(reads !== undefined, () => 'what has no reads has nothing to be validated')
    if (this.#hold.ended) throw snapshotTooOld(this.label)
    this.#assertCovered()
    return validatePredicates(this.core, reads, snapshot, upTo, most)
  }

  #unvalidated(upTo: number): number {
    const { reads } = this.context
    return reads === undefined || reads.predicates.length === 0 ? 0 : this.core.recent.countAfter(upTo)
  }

  #assertCovered(): void {
    if (this.core.recent.covers(this.context.snapshot as CommitNumber)) return
    throw new BlazeError(
      'CONFLICT',
      'so much was written since this transaction began that its reads cannot be validated; nothing was written. Run it again.',
      { records: [] },
    )
  }

  #finish(): void {
    this.#state = 'ended'
    if (this.isTracked) this.core.recent.end()
    this.context.release()
    this.core.snapshots.release(this.#hold)
    this.core.open.delete(this.entry)
  }
}
