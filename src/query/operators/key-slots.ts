/**
 * For each code of a key the slot of the record that is installed with that id, kept from query to query: finding it is
 * most of what a join of columns costs once the columns are there. A table belongs to the dictionary of the key, goes when
 * the column goes, and is of one state of the other collection; codes are only ever added to a dictionary, so that new
 * ones are found when a query needs them.
 *
 * What a slot holds is for the reader to ask: only that a code leads there, or to no live record, is said here.
 */
import type { RecordId } from '../../base/ids.ts'
import type { Value } from '../../base/values.ts'
import { equalValues } from '../../codec/order.ts'
import { PRESENT } from '../../columns/column.ts'
import type { Dictionary } from '../../columns/dictionary.ts'
import type { DerivedSource } from '../source.ts'

/** Keys looked up in one step: about half a millisecond. */
const KEYS_PER_STEP = 2_048

/** One a dictionary: a key leads to one collection, mostly. The dictionary's bytes have room for it. */
const kept = new WeakMap<Dictionary, KeySlots>()

/** What is asked of the other collection. */
export type KeyedRecords = Pick<DerivedSource, 'slotOf'> & {
  readonly rows: Pick<DerivedSource['rows'], 'newestCommit' | 'commitOf'>
}

/** The table of a key and the collection it leads to, as that is now. */
export function keySlots(dictionary: Dictionary, derived: KeyedRecords): KeySlots {
  const { rows } = derived
  const known = kept.get(dictionary)
  if (known?.rows === rows && known.commit === rows.newestCommit) return known
  const made = new KeySlots(dictionary, rows)
  kept.set(dictionary, made)
  return made
}

export class KeySlots {
  readonly rows: KeyedRecords['rows']
  /** The newest commit of the other collection that it is of. */
  readonly commit: number
  readonly #dictionary: Dictionary
  #slots = new Int32Array(0)
  // Codes 0 and 1 are missing and null, which join nothing.
  #known: number = PRESENT

  constructor(dictionary: Dictionary, rows: KeyedRecords['rows']) {
    this.#dictionary = dictionary
    this.rows = rows
    this.commit = rows.newestCommit
  }

  /** Looks codes below `size` up for a while, while the collection is as it was. True when all are there. */
  step(size: number, derived: KeyedRecords): boolean {
    if (this.#slots.length < size) {
      // Whoever was given the shorter one keeps it.
      const longer = new Int32Array(size).fill(-1)
      longer.set(this.#slots)
      this.#slots = longer
    }
    const { values } = this.#dictionary
    const end = Math.min(size, this.#known + KEYS_PER_STEP)
    for (; this.#known < end; this.#known++) {
      const id = idOf(values[this.#known])
      if (id === undefined) continue
      const slot = derived.slotOf(id)
      if (slot >= 0 && this.rows.commitOf(slot) !== 0) this.#slots[this.#known] = slot
    }
    return this.#known >= size
  }

  /** By code, -1 for none; not to be written. After the steps for so many. */
  slots(size: number): Int32Array {
    return this.#slots.subarray(0, size)
  }
}

/** The id that equals a value: 5n finds the record 5, as equality says. */
export function idOf(value: Value | undefined): RecordId | undefined {
  // At most 512 bytes of UTF-8 are at most as many UTF-16 units, and a lone surrogate has no UTF-8.
  if (typeof value === 'string') {
    return value !== '' && value.length <= 512 && value.isWellFormed() ? value : undefined
  }
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || !equalValues(number, value!)) return undefined
  return number === 0 ? 0 : number
}
