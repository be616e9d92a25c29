import { compareValues } from '../../codec/order.ts'
import { NearestPointsRun } from '../../columns/geo.ts'
import { NearestRun } from '../../columns/nearest.ts'
import type { Near } from '../../columns/nearest-heap.ts'
import { placePaths } from '../column-tests.ts'
import { compileDistance } from '../distance.ts'
import type { NearestClause } from '../query-data.ts'
import { setField } from '../row-fields.ts'
import type { Row } from '../source.ts'
import type { ColumnInputs } from './column-inputs.ts'
import { type ColumnVisitor, ColumnWalk } from './column-walk.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'

export interface ColumnNearestSpec {
  readonly nearest: NearestClause
  readonly count: number
}

interface Found {
  readonly row: Row
  readonly distance: number
}

/** The nearest records, nearest first, each with its `$distance`; ties by id. */
export class ColumnNearest implements Operator, ColumnVisitor {
  readonly #inputs: ColumnInputs
  readonly #count: number
  readonly #walk: ColumnWalk
  /** Undefined when no record in the columns has such a vector. */
  readonly #run: NearestPointsRun | NearestRun | undefined
  readonly #distance: (row: Row) => number | undefined
  readonly #valued: Found[] = []
  #near: readonly Near[] | undefined
  #nearAt = 0
  #found: Found[] | undefined
  #at = 0

  constructor(inputs: ColumnInputs, { nearest, count }: ColumnNearestSpec) {
    this.#inputs = inputs
    this.#count = count
    this.#run = kernelOf(inputs, { nearest, count })
    this.#distance = compileDistance(nearest)
    this.#walk = new ColumnWalk(inputs.own.derived, this, inputs.byValue)
  }

  next(): Step {
    if (this.#near === undefined) {
      if (this.#walk.step()) this.#near = this.#run?.nearest() ?? []
      return PAUSE
    }
    if (this.#found === undefined && !this.#readNear(this.#near)) return PAUSE
    return this.#found![this.#at++]?.row
  }

  slots(from: number, to: number): void {
    this.#run?.add(from, to)
  }

  row(record: Row): void {
    const row = this.#inputs.complete(record)
    const distance = row === undefined ? undefined : this.#distance(row)
    if (row !== undefined && distance !== undefined) this.#valued.push({ row, distance })
  }

  close(): void {
    this.#near = []
    this.#found = []
    this.#at = 0
  }

  /** False while there are more to be read. */
  #readNear(near: readonly Near[]): boolean {
    const end = Math.min(near.length, this.#nearAt + STRIDE)
    for (; this.#nearAt < end; this.#nearAt++) {
      const { slot, distance } = near[this.#nearAt]!
      const row = this.#inputs.own.derived.recordAt(slot)
      if (row !== undefined) this.#valued.push({ row, distance })
    }
    if (this.#nearAt < near.length) return false
    const found = this.#valued.sort((a, b) => compareFound(a, b))
    found.length = Math.min(found.length, this.#count)
    for (const { row, distance } of found) setField(row, '$distance', distance)
    this.#found = found
    return true
  }
}

function kernelOf(
  { live, test, refOf, own }: ColumnInputs,
  { nearest, count }: ColumnNearestSpec,
): NearestPointsRun | NearestRun | undefined {
  const common = {
    limit: count,
    ...(test === undefined ? {} : { where: test }),
    compareSlots: (a: number, b: number): number => own.derived.compareSlots(a, b),
  }
  if (nearest.kind === 'place') {
    const [lat, lng] = placePaths(nearest.path)
    return new NearestPointsRun(live, { columns: { lat: refOf(lat), lng: refOf(lng) }, to: nearest.to, ...common })
  }
  const { column } = refOf(nearest.path)
  if (column.kind !== 'vector' || column.dimension !== nearest.to.length) return undefined
  return new NearestRun(live, { column, to: nearest.to, metric: nearest.metric, ...common })
}

function compareFound(a: Found, b: Found): number {
  if (a.distance !== b.distance) return a.distance < b.distance ? -1 : 1
  return compareValues(a.row.id, b.row.id)
}
