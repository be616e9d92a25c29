/**
 * The lookup of another collection's records by their id, as a join of columns: for each code of the key the slot of the
 * record that the snapshot sees, found once. Records that the snapshot sees otherwise than they are installed, own writes
 * among them, are `special`: rows that look these up are left to be joined by value.
 *
 * The slots and the special records are worked out in slices, and must be of one state of the other collection: when a
 * commit came between, all begins again, and after MOST_TRIES goes without a pause.
 */
import { copyValue } from '../../base/copy-value.ts'
import type { RecordId } from '../../base/ids.ts'
import { invariant } from '../../base/invariant.ts'
import type { Value } from '../../base/values.ts'
import { type Column, type Join, PRESENT } from '../../columns/column.ts'
import type { Dictionary } from '../../columns/dictionary.ts'
import { compileFilter, type Filter } from '../../columns/filter.ts'
import { columnTest } from '../column-tests.ts'
import type { RecordTest } from '../expression.ts'
import { compileGetter } from '../getter.ts'
import type { ColumnLookup } from '../plan.ts'
import { compilePredicate } from '../predicate.ts'
import type { Predicate } from '../query-data.ts'
import { assertNameFree } from '../row-fields.ts'
import type { Row } from '../source.ts'
import type { CollectionColumns } from './collection-columns.ts'
import { idOf, keySlots } from './key-slots.ts'
import { STRIDE } from './operator.ts'

/** Looked up slots that are tested in one step: some hundreds of microseconds. */
const KEYS_PER_STEP = 16_384
const SLOTS_PER_STEP = 65_536
const MOST_TRIES = 3
/** Records that are held by value for rows to be joined with; more of them are better joined by rows. */
const MOST_SPECIAL = 50_000

/** A table of slots that is being made. */
interface Making {
  /** The newest commit of the other collection when it was begun. */
  readonly commit: number
  readonly changed: readonly number[]
  changedAt: number
  /** What the snapshot sees of ids that are not sure: nothing where the transaction deleted the record. */
  readonly special: Map<RecordId, Row | undefined>
  readonly passes: Filter
  readonly size: number
  slotOf: Int32Array
  code: number
}

export class LookedUp {
  readonly lookup: ColumnLookup
  readonly columns: CollectionColumns
  readonly #key: (row: Row) => Value | undefined
  readonly #test: RecordTest | undefined
  #tries = 0
  #making: Making | undefined
  #join: Join | undefined
  #refusal: string | undefined

  constructor(lookup: ColumnLookup, columns: CollectionColumns) {
    this.lookup = lookup
    this.columns = columns
    this.#key = compileGetter(lookup.key)
    this.#test = lookup.where === undefined ? undefined : compilePredicate(lookup.where)
  }

  get where(): Predicate | undefined {
    return this.lookup.where
  }

  /** Works for a while, with the prepared column of the keys. True when the join is there. */
  step(key: Column): boolean {
    if (this.#join !== undefined) return true
    if (key.kind !== 'coded') return false
    this.columns.derived.assertAlive()
    do {
      const making = this.#current(key.dictionary.size)
      if (making.changedAt < making.changed.length) this.#readChanged(making)
      else if (this.#findSlots(making, key.dictionary)) {
        this.#join = { codes: key.codes, slotOf: making.slotOf }
        return true
      }
    } while (this.#tries > MOST_TRIES)
    return false
  }

  /** Why the join is not to be made of columns: known after the first step, if ever. */
  get refusal(): string | undefined {
    return this.#refusal
  }

  /** To be asked after the last step, and until `renew` only. */
  get join(): Join {
    invariant(this.#join !== undefined, () => 'a join is taken before it is made')
    return this.#join
  }

  /** True for keys whose record is in no column; undefined when there are none such. */
  get special(): ((key: unknown) => boolean) | undefined {
    const special = this.#making?.special
    if (special === undefined || special.size === 0) return undefined
    return (key) => {
      const id = idOf(key as Value | undefined)
      return id !== undefined && special.has(id)
    }
  }

  get isLate(): boolean {
    return this.#making !== undefined && this.#making.commit !== this.columns.derived.rows.newestCommit
  }

  renew(): void {
    this.#join = undefined
    this.#making = undefined
  }

  /** The row with what it is to get of the record it looks up, then a fresh object; undefined when it is not to be there. */
  joined(row: Row): Row | undefined {
    const { kind, as } = this.lookup
    if (kind === 'inner' || kind === 'left') assertNameFree(row, as)
    const id = idOf(this.#key(row))
    const other = id === undefined ? undefined : this.#recordOf(id)
    if (other === undefined || this.#test?.(other) === false) {
      return kind === 'inner' || kind === 'semi' ? undefined : row
    }
    if (kind === 'semi') return row
    return kind === 'anti' ? undefined : { ...row, [as]: other }
  }

  #recordOf(id: RecordId): Row | undefined {
    const special = this.#making?.special
    if (special?.has(id) !== true) return this.columns.source.get(id)
    const row = special.get(id)
    return row === undefined ? undefined : copyValue(row)
  }

  /** What is being made; begun anew when a commit has come since. */
  #current(size: number): Making {
    const { derived, live } = this.columns
    const commit = derived.rows.newestCommit
    if (this.#making?.commit === commit) return this.#making
    this.#tries++
    const masked = derived.maskedSlots
    const special = new Map<RecordId, Row | undefined>()
    for (const slot of masked) {
      const id = derived.recordAt(slot)?.id
      if (id !== undefined) special.set(id, undefined)
    }
    for (const row of derived.ownRows()) special.set(row.id, row)
    const isMasked = new Set(masked)
    const changed = changedSlots(this.columns).filter((slot) => !isMasked.has(slot))
    if (this.#tries === 1 && changed.length + special.size > MOST_SPECIAL) {
      this.#refusal = `too many records of ${this.lookup.collection} have changed since the snapshot`
    }
    const { where } = this.lookup
    const refOf = (path: readonly string[]): { column: Column } => ({ column: this.columns.column(path) })
    const made: Making = {
      commit,
      changed,
      changedAt: 0,
      special,
      passes: compileFilter(live, where === undefined ? undefined : columnTest(where, refOf)),
      size,
      slotOf: NOTHING,
      code: PRESENT,
    }
    this.#making = made
    return made
  }

  #readChanged(making: Making): void {
    const end = Math.min(making.changed.length, making.changedAt + STRIDE)
    for (; making.changedAt < end; making.changedAt++) {
      const row = this.columns.derived.recordAt(making.changed[making.changedAt]!)
      if (row !== undefined) making.special.set(row.id, row)
    }
  }

  /** True when all codes have their slots. */
  #findSlots(making: Making, dictionary: Dictionary): boolean {
    const { derived } = this.columns
    const { size, special, passes } = making
    const known = keySlots(dictionary, derived)
    if (!known.step(size, derived)) return false
    const slots = known.slots(size)
    if (special.size === 0 && derived.isNewest && this.#test === undefined) {
      making.slotOf = slots
      return true
    }
    if (making.slotOf === NOTHING) making.slotOf = new Int32Array(size).fill(-1)
    const { slotOf } = making
    const { rows, snapshot, isNewest } = derived
    const end = Math.min(size, making.code + KEYS_PER_STEP)
    for (; making.code < end; making.code++) {
      const slot = slots[making.code]!
      if (slot < 0 || (!isNewest && rows.commitOf(slot) > snapshot) || !passes.testSlot(slot)) continue
      if (special.size > 0 && special.has(idOf(dictionary.values[making.code])!)) continue
      slotOf[making.code] = slot
    }
    return making.code === size
  }
}

/** The slots of a table that is not begun. */
const NOTHING = new Int32Array(0)

function changedSlots({ derived }: CollectionColumns): number[] {
  const changed: number[] = []
  if (derived.isNewest) return changed
  for (let from = 0; from < derived.rows.highSlot; from += SLOTS_PER_STEP) {
    for (const slot of derived.changedSlots(from, from + SLOTS_PER_STEP)) changed.push(slot)
  }
  return changed
}
