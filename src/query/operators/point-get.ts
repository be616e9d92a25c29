import type { RecordId } from '../../base/ids.ts'
import type { RecordSource } from '../source.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'

/** Looks records up by id. The ids are distinct, so that no record comes twice. */
export class PointGet implements Operator {
  readonly #source: RecordSource
  readonly #ids: readonly RecordId[]
  #at = 0

  constructor(source: RecordSource, ids: readonly RecordId[]) {
    this.#source = source
    this.#ids = ids
  }

  next(): Step {
    for (let i = 0; i < STRIDE; i++) {
      if (this.#at === this.#ids.length) return undefined
      const record = this.#source.get(this.#ids[this.#at++]!)
      if (record !== undefined) return record
    }
    return PAUSE
  }

  close(): void {
    this.#at = this.#ids.length
  }
}
