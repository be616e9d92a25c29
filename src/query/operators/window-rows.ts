/**
 * Windows: all rows are taken in, parted and ordered as each field asks (fields that ask the same share the work), and
 * given out again as they came, with the fields.
 */
import type { StoredRecord, Value } from '../../base/values.ts'
import type { MakeAccumulator } from '../aggregates.ts'
import type { RowValue } from '../expression.ts'
import type { WindowFunction } from '../query-data.ts'
import type { QueryMemory } from '../query-memory.ts'
import type { PlacedRow, RowOrder } from '../row-order.ts'
import type { Row } from '../source.ts'
import { compileKey, type ValueKey } from '../value-key.ts'
import { withField } from './joined-row.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'

/** One field, ready to be worked out. */
export interface CompiledWindow {
  readonly name: string
  readonly fn: WindowFunction
  readonly of: RowValue | undefined
  readonly distance: number
  readonly fallback: Value
  readonly partitionBy: readonly RowValue[]
  /** The keys that it states, and with what decides ties. */
  readonly order: RowOrder
  readonly wholeOrder: RowOrder
  readonly isOrdered: boolean
  /** Of aggregates. */
  readonly makeRunning: MakeAccumulator
  /** Fields with equal ones are parted and ordered alike. */
  readonly arrangement: string
}

/** Rows of a partition worked out before a pause. */
const ROWS_PER_STEP = 1_024

export class WindowRows implements Operator {
  readonly #input: Operator
  readonly #fields: readonly CompiledWindow[]
  readonly #memory: QueryMemory
  readonly #rows: Row[] = []
  /** One list of values a field, by the row's place in `rows`. */
  #values: (Value | undefined)[][] = []
  #work: Generator<void, void, undefined> | undefined
  #isWorked = false
  #given = 0

  constructor(input: Operator, fields: readonly CompiledWindow[], memory: QueryMemory) {
    this.#input = input
    this.#fields = fields
    this.#memory = memory
  }

  next(): Step {
    if (this.#work === undefined && !this.#collect()) return PAUSE
    if (!this.#isWorked) {
      this.#isWorked = this.#work!.next().done === true
      return PAUSE
    }
    const at = this.#given++
    let row = this.#rows[at]
    if (row === undefined) return undefined
    for (let i = 0; i < this.#fields.length; i++) row = withField(row, this.#fields[i]!.name, this.#values[i]![at])
    return row
  }

  close(): void {
    this.#memory.release(this.#rows.length)
    this.#rows.length = 0
    this.#values = []
    this.#input.close()
  }

  /** Takes in some rows; true when it has them all. */
  #collect(): boolean {
    for (let i = 0; i < STRIDE; i++) {
      const row = this.#input.next()
      if (row === PAUSE) return false
      if (row === undefined) {
        this.#work = this.#workOut()
        return true
      }
      this.#memory.hold(1, 'a window')
      this.#rows.push(row)
    }
    return false
  }

  *#workOut(): Generator<void, void, undefined> {
    this.#values = this.#fields.map(() => new Array<Value | undefined>(this.#rows.length))
    const arrangements = new Set(this.#fields.map(({ arrangement }) => arrangement))
    let worked = 0
    for (const arrangement of arrangements) {
      const fields = this.#fields.filter((field) => field.arrangement === arrangement)
      for (const places of this.#partitions(fields[0]!).values()) {
        places.sort((a, b) => fields[0]!.wholeOrder.compare(a.placed, b.placed))
        for (const field of fields) fill(field, places, this.#values[this.#fields.indexOf(field)]!)
        worked += places.length
        if (worked >= ROWS_PER_STEP) {
          worked = 0
          yield
        }
      }
    }
  }

  #partitions({ partitionBy, wholeOrder }: CompiledWindow): Map<ValueKey, Place[]> {
    const keyOf = partitionBy.length === 0 ? () => null : compileKey(partitionBy)
    const partitions = new Map<ValueKey, Place[]>()
    this.#rows.forEach((row, at) => {
      const key = keyOf(row)
      const partition = partitions.get(key)
      const place = { placed: wholeOrder.place(row), at }
      if (partition === undefined) partitions.set(key, [place])
      else partition.push(place)
    })
    return partitions
  }
}

/** A row of a partition: where it stands in the order, and where among all rows. */
interface Place {
  readonly placed: PlacedRow
  readonly at: number
}

/** The values of one field in one partition, which is in order. */
function fill(field: CompiledWindow, places: readonly Place[], values: (Value | undefined)[]): void {
  switch (field.fn) {
    case 'rowNumber':
      places.forEach(({ at }, i) => {
        values[at] = i + 1
      })
      return
    case 'rank':
    case 'denseRank':
      fillRanks(field, places, values)
      return
    case 'lag':
    case 'lead': {
      const shift = field.fn === 'lag' ? -field.distance : field.distance
      places.forEach(({ at }, i) => {
        const found = places[i + shift]
        values[at] = found === undefined ? field.fallback : field.of!(found.placed.row)
      })
      return
    }
    default:
      fillRunning(field, places, values)
  }
}

function fillRanks({ fn, order }: CompiledWindow, places: readonly Place[], values: (Value | undefined)[]): void {
  let [rank, dense] = [0, 0]
  let before: PlacedRow | undefined
  places.forEach(({ placed, at }, i) => {
    if (before === undefined || order.compareKeys(before, placed) !== 0) {
      rank = i + 1
      dense++
    }
    before = placed
    values[at] = fn === 'rank' ? rank : dense
  })
}

/** With an order from the first row to each, without one over all. */
function fillRunning(
  { isOrdered, makeRunning }: CompiledWindow,
  places: readonly Place[],
  values: (Value | undefined)[],
): void {
  const running = makeRunning()
  for (const { placed, at } of places) {
    running.add(placed.row as StoredRecord)
    if (isOrdered) values[at] = running.result()
  }
  if (isOrdered) return
  const result = running.result()
  for (const { at } of places) values[at] = result
}
