/**
 * One held snapshot: what a user's snapshot handle holds, or a dump, and how it ends. Views of it refer to this, never to
 * the handle.
 */
import { UNBAGGED } from '../base/bag.ts'
import { BlazeError } from '../base/errors.ts'
import type { CommitNumber } from '../base/ids.ts'
import type { SnapshotHold } from '../mvcc/snapshots.ts'
import type { Core } from './core.ts'
import type { Holder } from './holder-watch.ts'
import type { OpenHandle } from './open-handle.ts'
import { HeldView } from './read-view.ts'
import { snapshotTooOld } from './snapshot-too-old.ts'

export class SnapshotSession implements Holder {
  readonly label: string
  readonly holdsClose = false
  readonly isTracked = false
  readonly view: HeldView
  bagIndex: number = UNBAGGED
  entry: OpenHandle = this
  readonly #core: Core
  readonly #hold: SnapshotHold
  #open = true

  /** Of what is published now, or of the commit `asOf`. */
  constructor(core: Core, label: string, asOf?: number) {
    core.assertOpen()
    this.#core = core
    this.label = label
    this.#hold = asOf === undefined ? core.holdVisible(label) : core.holdAt(asOf, label)
    this.#hold.owner = this
    this.view = new HeldView(core, this.#hold.commit, () => this.#assertOpen())
    core.open.add(this)
  }

  get commit(): CommitNumber {
    return this.#hold.commit
  }

  get openedAt(): string | undefined {
    return this.#hold.openedAt
  }

  /** Ends it. Harmless when it has ended. */
  end(): void {
    if (!this.#open) return
    this.#open = false
    this.#core.snapshots.release(this.#hold)
    this.#core.open.delete(this.entry)
  }

  #assertOpen(): void {
    if (this.#hold.ended) throw snapshotTooOld(this.label)
    if (this.#open) return
    this.#core.assertOpen()
    throw new BlazeError('TRANSACTION_CLOSED', 'this snapshot has ended; take another with db.snapshot()', undefined)
  }
}
