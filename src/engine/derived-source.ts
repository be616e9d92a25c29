/**
 * A snapshot's side of the derived structures (query/source.ts has what they are for): which slots it sees otherwise than
 * they are installed now, what it sees there, and what a transaction has laid over them.
 */

import { copyValue } from '../base/copy-value.ts'
import type { Lsn, RecordId } from '../base/ids.ts'
import { RecordKey } from '../base/record-key.ts'
import type { StoredRecord } from '../base/values.ts'
import type { ColumnRows } from '../columns/column.ts'
import type { ColumnSet } from '../columns/column-set.ts'
import { ZONE_BITS, ZONE_SLOTS } from '../mvcc/slots.ts'
import { NO_PLACE } from '../mvcc/version-heap.ts'
import type { DerivedSource, Row, TextPreparation, TextSource } from '../query/source.ts'
import type { FieldText, TextSpec } from '../text/text-fields.ts'
import type { CollectionState, FieldsReader } from './collection-state.ts'
import type { Core } from './core.ts'
import type { CollectionDerived } from './derived.ts'
import type { TextState } from './text-state.ts'
import type { WriteEntry, WriteSet } from './write-set.ts'

export interface DerivedSourceOptions {
  readonly snapshot: number
  /** Own writes, when the transaction has some of this collection. */
  readonly writes: WriteSet | undefined
  readonly assertAlive: () => void
  /** Reads some fields of a record; undefined: all. */
  readonly read?: FieldsReader | undefined
}

interface Overlay {
  readonly entries: readonly WriteEntry[]
  readonly maskedSlots: readonly number[]
}

const NOTHING_OWN: Overlay = { entries: [], maskedSlots: [] }

const key = new RecordKey()

export class SnapshotDerived implements DerivedSource {
  readonly snapshot: number
  readonly #core: Core
  readonly #state: CollectionState
  readonly #writes: WriteSet | undefined
  readonly #assertAlive: () => void
  readonly #derived: CollectionDerived
  readonly #read: FieldsReader | undefined
  #text: SnapshotText | undefined
  /** Taken once: a query sees nothing of what its transaction writes while it runs. */
  #overlay: Overlay | undefined

  constructor(core: Core, state: CollectionState, options: DerivedSourceOptions) {
    this.#core = core
    this.#state = state
    this.snapshot = options.snapshot
    this.#writes = options.writes
    this.#assertAlive = options.assertAlive
    this.#read = options.read
    this.#derived = core.derived.of(state)
  }

  get rows(): ColumnRows {
    return this.#derived.rows
  }

  get columns(): ColumnSet {
    return this.#derived.columns
  }

  get text(): TextSource | undefined {
    const state = this.#core.texts.of(this.#state)
    if (state === undefined) return undefined
    this.#text ??= new SnapshotText(this, state)
    return this.#text
  }

  get isNewest(): boolean {
    return this.#writes === undefined && this.#state.heap.newestCommit <= this.snapshot
  }

  get maskedSlots(): readonly number[] {
    return this.#own().maskedSlots
  }

  ownRows(): Row[] {
    const rows: Row[] = []
    for (const { after } of this.#own().entries) if (after !== undefined) rows.push(copyValue(after))
    return rows
  }

  changedSlots(from: number, to: number): number[] {
    this.#assertAlive()
    const { heap } = this.#state
    const { snapshot } = this
    const changed: number[] = []
    const end = Math.min(to, heap.slots.highSlot)
    if (heap.newestCommit <= snapshot) return changed
    for (let slot = from; slot < end; ) {
      const zoneEnd = Math.min(end, ((slot >>> ZONE_BITS) + 1) * ZONE_SLOTS)
      this.#core.safePoint()
      heap.noteChangedSince(slot, zoneEnd, snapshot, changed)
      slot = zoneEnd
    }
    return changed
  }

  recordAt(slot: number): Row | undefined {
    this.#assertAlive()
    this.#core.safePoint()
    const place = this.#state.heap.placeAt(slot, this.snapshot)
    return place === NO_PLACE ? undefined : this.#recordAtPlace(place)
  }

  readRows(slots: ArrayLike<number>, from: number, to: number, rows: Row[]): number {
    this.#assertAlive()
    const { heap } = this.#state
    const { snapshot } = this
    const before = rows.length
    for (let i = from; i < to; i++) {
      this.#core.safePoint()
      const place = heap.placeAt(slots[i]!, snapshot)
      if (place !== NO_PLACE) rows.push(this.#recordAtPlace(place))
    }
    return rows.length - before
  }

  slotOf(id: RecordId): number {
    this.#core.safePoint()
    return key.set(id) ? this.#state.heap.find(key) : -1
  }

  idAt(slot: number): RecordId {
    return this.#state.idIn(slot)
  }

  compareSlots(a: number, b: number): number {
    return this.#state.compareSlots(a, b)
  }

  assertAlive(): void {
    this.#assertAlive()
  }

  #recordAtPlace(place: Lsn): Row {
    const read = this.#read
    if (read === undefined) return this.#state.readPlace(place, this.snapshot)
    return this.#state.readFields(place, this.snapshot, read, true)
  }

  #own(): Overlay {
    this.#overlay ??= this.#writes === undefined ? NOTHING_OWN : overlayOf(this.#writes, this.#state)
    return this.#overlay
  }
}

/** The text index as one snapshot uses it. */
class SnapshotText implements TextSource {
  readonly #source: SnapshotDerived
  readonly #state: TextState
  #masked: ReadonlySet<number> | undefined

  constructor(source: SnapshotDerived, state: TextState) {
    this.#source = source
    this.#state = state
  }

  get spec(): TextSpec {
    return this.#state.spec
  }

  prepare(): TextPreparation {
    return this.#state.prepare(() => this.#source.assertAlive())
  }

  isSure(slot: number, commit: number): boolean {
    const { rows, snapshot } = this.#source
    if (commit > snapshot || rows.commitOf(slot) !== commit) return false
    this.#masked ??= new Set(this.#source.maskedSlots)
    return !this.#masked.has(slot)
  }

  textsOf(record: StoredRecord): FieldText[] {
    return this.#state.textsOf(record)
  }
}

/**
 * A record that is written anew has no slot yet, or gets one by another's later commit, which the snapshot does not see.
 * One that the snapshot sees keeps its slot.
 */
function overlayOf(writes: WriteSet, state: CollectionState): Overlay {
  const entries = [...writes.of(state)]
  const slots: number[] = []
  for (const { id } of entries) {
    const slot = key.set(id) ? state.heap.find(key) : -1
    if (slot >= 0) slots.push(slot)
  }
  return { entries, maskedSlots: slots.sort((a, b) => a - b) }
}
