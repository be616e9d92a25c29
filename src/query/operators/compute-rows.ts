import { copyValue } from '../../base/copy-value.ts'
import type { RowValue } from '../expression.ts'
import { setField } from '../row-fields.ts'
import { type Operator, PAUSE, type Step } from './operator.ts'

export interface ComputedField {
  readonly name: string
  readonly value: RowValue
}

/** Each row with further fields, the later ones made of the earlier. A value that is missing adds none. */
export class ComputeRows implements Operator {
  readonly #input: Operator
  readonly #fields: readonly ComputedField[]

  constructor(input: Operator, fields: readonly ComputedField[]) {
    this.#input = input
    this.#fields = fields
  }

  next(): Step {
    const row = this.#input.next()
    if (row === undefined || row === PAUSE) return row
    // A literal belongs to the query, another field to itself: what goes into the row is a copy.
    for (let i = 0; i < this.#fields.length; i++) {
      const { name, value } = this.#fields[i]!
      setField(row, name, copyValue(value(row)))
    }
    return row
  }

  close(): void {
    this.#input.close()
  }
}
