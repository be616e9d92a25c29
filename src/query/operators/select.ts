import { copyValue } from '../../base/copy-value.ts'
import type { Path, Value } from '../../base/values.ts'
import { compileGetter } from '../getter.ts'
import type { SelectedField } from '../query-data.ts'
import type { Row } from '../source.ts'
import { type Operator, PAUSE, type Step } from './operator.ts'

/** Makes rows of the selected fields; missing ones are left out. */
export function compileSelect(fields: readonly SelectedField[]): (row: Row) => Row {
  const getters = fields.map(({ path }, i) => {
    const getter = compileGetter(path)
    const isWithin = fields.some((other, j) => j !== i && startsWith(path, other.path))
    return isWithin ? (row: Row) => copyValue(getter(row)) : getter
  })
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

/** True when what lies at the path lies in, or is, what lies at `start`: the two may not share it. */
function startsWith(path: Path, start: Path): boolean {
  return start.length <= path.length && start.every((name, i) => name === path[i])
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
