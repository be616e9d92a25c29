import type { Value } from '../../base/values.ts'
import { compileGetter } from '../getter.ts'
import type { SelectedField } from '../query-data.ts'
import type { Row } from '../source.ts'
import { type Operator, PAUSE, type Step } from './operator.ts'

/** Makes rows of the selected fields; missing ones are left out. */
export function compileSelect(fields: readonly SelectedField[]): (row: Row) => Row {
  const getters = fields.map((field) => compileGetter(field.path))
  return (row) => {
    const selected: { [name: string]: Value } = {}
    for (let i = 0; i < fields.length; i++) {
      const value = getters[i]!(row)
      if (value === undefined) continue
      const name = fields[i]!.name
      // Assigning `__proto__` would change the row's prototype instead.
      if (name === '__proto__')
        Object.defineProperty(selected, name, { value, enumerable: true, configurable: true, writable: true })
      else selected[name] = value
    }
    // A projection need not hold `id`: this is the last operator, and the builder types its rows by the projection.
    return selected as unknown as Row
  }
}

/** Projects each row. */
export class Select implements Operator {
  readonly #input: Operator
  readonly #select: (row: Row) => Row

  constructor(input: Operator, fields: readonly SelectedField[]) {
    this.#input = input
    this.#select = compileSelect(fields)
  }

  next(): Step {
    const row = this.#input.next()
    return row === undefined || row === PAUSE ? row : this.#select(row)
  }

  close(): void {
    this.#input.close()
  }
}
