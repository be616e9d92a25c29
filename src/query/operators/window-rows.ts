/**
 * Windows: all rows are taken in, parted and ordered as each field asks (fields that ask the same share the work), and
 * given out again as they came, with the fields.
 */
import { copyValue } from '../../base/copy-value.ts'
import type { Value } from '../../base/values.ts'
import type { MakeAccumulator } from '../aggregates.ts'
import type { RowValue } from '../expression.ts'
import type { WindowFunction } from '../query-data.ts'
import type { QueryMemory } from '../query-memory.ts'
import type { PlacedRow, RowOrder } from '../row-order.ts'
import type { Row } from '../source.ts'
import { compileKey, type ValueKey } from '../value-key.ts'
import { withField } from './joined-row.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'
import { SortBuffer } from './sort-buffer.ts'

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

/** Rows parted, put into order or worked out before a pause: well below a millisecond of each. */
const ROWS_PER_STEP = 1_024

export class WindowRows implements Operator {
  readonly #input: Operator
  readonly #fields: readonly CompiledWindow[]
  readonly #memory: QueryMemory
  readonly #rows: Row[] = []
  /** One list of values a field, by the row's place in `rows`. */
  #values: (Value | undefined)[][] = []
  #work: Work | undefined
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

  *#workOut(): Work {
    this.#values = this.#fields.map(() => new Array<Value | undefined>(this.#rows.length))
    const arrangements = new Set(this.#fields.map(({ arrangement }) => arrangement))
    for (const arrangement of arrangements) {
      const fields = this.#fields.filter((field) => field.arrangement === arrangement)
      const partitions = new Map<ValueKey, SortBuffer<Place>>()
      yield* this.#part(fields[0]!, partitions)
      yield* this.#fill(fields, partitions)
    }
  }

  /** Parts the rows. */
  *#part({ partitionBy, wholeOrder }: CompiledWindow, partitions: Map<ValueKey, SortBuffer<Place>>): Work {
    const keyOf = partitionBy.length === 0 ? () => null : compileKey(partitionBy)
    for (let at = 0; at < this.#rows.length; at++) {
      if ((at + 1) % ROWS_PER_STEP === 0) yield
      const row = this.#rows[at]!
      const key = keyOf(row)
      let partition = partitions.get(key)
      if (partition === undefined) {
        partition = new SortBuffer(wholeOrder.compare)
        partitions.set(key, partition)
      }
      const { keys, id } = wholeOrder.place(row)
      partition.add({ keys, id, row, at })
    }
  }

  /** Works out the fields, partition by partition. */
  *#fill(fields: readonly CompiledWindow[], partitions: ReadonlyMap<ValueKey, SortBuffer<Place>>): Work {
    let worked = 0
    for (const partition of partitions.values()) {
      const places: Place[] = []
      for (let place = partition.take(); place !== undefined; place = partition.take()) {
        places.push(place)
        if (++worked % ROWS_PER_STEP === 0) yield
      }
      partition.clear()
      for (const field of fields) yield* fill(field, places, this.#values[this.#fields.indexOf(field)]!)
    }
  }
}

/** Done for a while at a time. */
type Work<T = void> = Generator<void, T, undefined>

/** A row of a partition: where it stands in the order, and where among all rows. */
interface Place extends PlacedRow {
  readonly at: number
}

/** The value of the next row of a partition, asked for from the first to the last. */
type NextValue = (place: Place, i: number) => Value | undefined

/**
 * The values of one field in one partition, which is in order. Objects are copied now: the rows that hold them are the
 * caller's to change as soon as he has them, and he has the first before the last is given.
 */
function* fill(field: CompiledWindow, places: readonly Place[], values: (Value | undefined)[]): Work {
  const next = yield* nextValue(field, places)
  for (let i = 0; i < places.length; i++) {
    if ((i + 1) % ROWS_PER_STEP === 0) yield
    const place = places[i]!
    values[place.at] = copyValue(next(place, i))
  }
}

function* nextValue(field: CompiledWindow, places: readonly Place[]): Work<NextValue> {
  const { fn, of, distance, fallback, isOrdered } = field
  switch (fn) {
    case 'rowNumber':
      return (_, i) => i + 1
    case 'rank':
    case 'denseRank':
      return nextRank(field)
    case 'lag':
    case 'lead': {
      const shift = fn === 'lag' ? -distance : distance
      return (_, i) => {
        const found = places[i + shift]
        return found === undefined ? fallback : of!(found.row)
      }
    }
  }
  const running = field.makeRunning()
  if (isOrdered) {
    return ({ row }) => {
      running.add(row)
      return running.result()
    }
  }
  for (let i = 0; i < places.length; i++) {
    if ((i + 1) % ROWS_PER_STEP === 0) yield
    running.add(places[i]!.row)
  }
  const result = running.result()
  return () => result
}

function nextRank({ fn, order }: CompiledWindow): NextValue {
  let [rank, dense] = [0, 0]
  let before: Place | undefined
  return (place, i) => {
    if (before === undefined || order.compareKeys(before, place) !== 0) {
      rank = i + 1
      dense++
    }
    before = place
    return fn === 'rank' ? rank : dense
  }
}
