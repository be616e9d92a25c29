import { compileDistance } from '../distance.ts'
import type { NearestClause } from '../query-data.ts'
import { setField } from '../row-fields.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'

/** Each row that has a place, or a vector, with its `$distance`; the others are left out. */
export class NearestRows implements Operator {
  readonly #input: Operator
  readonly #distance: ReturnType<typeof compileDistance>

  constructor(input: Operator, nearest: NearestClause) {
    this.#input = input
    this.#distance = compileDistance(nearest)
  }

  next(): Step {
    for (let i = 0; i < STRIDE; i++) {
      const row = this.#input.next()
      if (row === undefined || row === PAUSE) return row
      const distance = this.#distance(row)
      if (distance === undefined) continue
      setField(row, '$distance', distance)
      return row
    }
    return PAUSE
  }

  close(): void {
    this.#input.close()
  }
}
