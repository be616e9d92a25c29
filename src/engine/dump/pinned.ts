import { UNBAGGED } from '../../base/bag.ts'
import { BlazeError } from '../../base/errors.ts'
import type { StoredRecord } from '../../base/values.ts'
import type { SnapshotHold } from '../../mvcc/snapshots.ts'
import { queryAll } from '../../query/builder.ts'
import type { CollectionState } from '../collection-state.ts'
import type { Core } from '../core.ts'
import type { OpenHandle } from '../open-handle.ts'
import { HeldView, runnerOf } from '../read-view.ts'
import { snapshotTooOld } from '../snapshot-too-old.ts'

/**
 * What was published at one moment, held while all of it is read. Collections are held as what they are, not by their
 * names: one that is renamed meanwhile is read to its end, one that is dropped is an error.
 */
export class Pinned {
  readonly core: Core
  readonly #hold: SnapshotHold
  readonly #registered: OpenHandle
  readonly #view: HeldView
  #open = true

  constructor(core: Core, label: string) {
    core.assertOpen()
    this.core = core
    this.#hold = core.holdVisible(label)
    this.#view = new HeldView(core, this.#hold.commit, () => this.#assertUsable(label))
    this.#registered = {
      label,
      holdsClose: false,
      openedAt: this.#hold.openedAt,
      bagIndex: UNBAGGED,
      end: () => this.close(),
    }
    core.open.add(this.#registered)
  }

  get commitNumber(): number {
    return this.#hold.commit
  }

  /** Every record of a collection, in slices. CONFLICT when it is dropped meanwhile, SNAPSHOT_TOO_OLD. */
  records(collection: CollectionState): AsyncGenerator<StoredRecord, void, undefined> {
    const runner = { ...runnerOf(this.#view), open: () => this.#view.open(collection) }
    return queryAll<StoredRecord>(collection.name, runner).iterate()
  }

  /** Harmless when it has ended. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    this.core.snapshots.release(this.#hold)
    this.core.open.delete(this.#registered)
  }

  #assertUsable(label: string): void {
    this.core.assertOpen()
    if (this.#hold.ended) throw snapshotTooOld(label)
    if (!this.#open) throw new BlazeError('CLOSED', `the database was closed while ${label} read it.`, undefined)
  }
}
