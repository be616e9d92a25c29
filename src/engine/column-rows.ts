/**
 * The newest installed records of a collection as columns and postings are made from them: some fields of each, slot by
 * slot, without decoding the rest.
 *
 *   slot ─▶ place ─▶ entry in the log ─▶ bytes [start, end) ─▶ the getter of each field
 *                      its head            codec, generated code
 *
 * What a getter cannot say (records in pieces, the id) is read by itself. Before each record lies a safe point.
 *
 * Measured at 100,000 and 1,000,000 records of 14 fields: a number 35 ns a record, five of them 80, a text of 30
 * characters 73, a date 75.
 */
import type { CommitNumber, Lsn } from '../base/ids.ts'
import { valueAt } from '../base/path.ts'
import type { Path, Value } from '../base/values.ts'
import type { CollectionState, FieldGetter, RecordBytes } from './collection-state.ts'

/** Reads the fields of the live record in a slot into `values`, in the order of the paths. */
export type SlotReader = (slot: number, values: (Value | undefined)[]) => void

/** Filled and used within one call. */
const found: RecordBytes = { bytes: new Uint8Array(0), start: 0, end: 0 }

export class CollectionRows {
  readonly #state: CollectionState
  readonly #safePoint: () => void

  constructor(state: CollectionState, safePoint: () => void) {
    this.#state = state
    this.#safePoint = safePoint
  }

  /** Slots are below it. */
  get highSlot(): number {
    return this.#state.heap.slots.highSlot
  }

  /** The newest commit that changed a record of the collection. */
  get newestCommit(): CommitNumber {
    return this.#state.heap.newestCommit
  }

  /** The newest commit that changed a slot of a zone (512 slots), or more. */
  zoneCommit(zone: number): CommitNumber {
    return this.#state.heap.zoneCommit(zone)
  }

  /** The commit number of the newest installed version of a live record; 0 when the slot has none. */
  commitOf(slot: number): CommitNumber {
    return this.#state.heap.newestOf(slot)
  }

  /** A reader of these fields. The slots that it is given have a live record. */
  reader(paths: readonly Path[]): SlotReader {
    const safePoint = this.#safePoint
    const state = this.#state
    const { slots } = state.heap
    const count = paths.length
    const getters = paths.map((path) => getterOf(state, path))
    return (slot, values) => {
      safePoint()
      const place = slots.placeOf(slot)
      const whole = state.locate(place, found)
      const { bytes, start, end } = found
      try {
        for (let f = 0; f < count; f++) {
          const getter = getters[f]
          values[f] =
            whole && getter !== undefined ? getter(bytes, start, end) : readAlone(state, slot, place, paths[f]!)
        }
      } catch (error) {
        throw state.undecodable(error, place)
      }
    }
  }
}

function getterOf(state: CollectionState, path: Path): FieldGetter | undefined {
  return path[0] === 'id' ? undefined : state.codec.getter(path)
}

function readAlone(state: CollectionState, slot: number, place: Lsn, path: Path): Value | undefined {
  if (path[0] === 'id') return path.length === 1 ? state.idAt(place) : undefined
  return valueAt(state.readPlace(place, state.heap.slots.commitOf(slot)), path)
}
