import { copyValue } from '../../base/copy-value.ts'
import type { RowValue } from '../expression.ts'
import { withField } from './joined-row.ts'
import { type Operator, PAUSE, type Step } from './operator.ts'

/** Each row with further fields, the later ones made of the earlier. A value that is missing adds none. */
export class ComputeRows implements Operator {
  readonly #input: Operator
  readonly #fields: readonly { readonly name: string; readonly value: RowValue }[]

  constructor(input: Operator, fields: readonly { readonly name: string; readonly value: RowValue }[]) {
    this.#input = input
    this.#fields = fields
  }

  next(): Step {
    const step = this.#input.next()
    if (step === undefined || step === PAUSE) return step
    let row = step
    // The value may be an object of the row, or of the query.
    for (const { name, value } of this.#fields) row = withField(row, name, copyValue(value(row)))
    return row
  }

  close(): void {
    this.#input.close()
  }
}
