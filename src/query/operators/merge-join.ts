/**
 * A join of two inputs that both come ordered by what must be equal: each is read once, and held are only the right rows
 * that share the value of one left row. Inner and left; the left rows keep their order.
 */
import { copyValue } from '../../base/copy-value.ts'
import type { Value } from '../../base/values.ts'
import { compareValues } from '../../codec/order.ts'
import type { RowValue } from '../expression.ts'
import type { JoinKind } from '../query-data.ts'
import { heldBytes, type MemoryShare, type QueryMemory } from '../query-memory.ts'
import { assertNameFree, setField } from '../row-fields.ts'
import type { Row } from '../source.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'

export interface MergeJoinOptions {
  readonly kind: Extract<JoinKind, 'inner' | 'left'>
  readonly as: string
  /** What must be equal, and what the inputs are ordered by. Null and missing join nothing, wherever they come. */
  readonly left: RowValue
  readonly right: RowValue
  /** Both come from the highest down. */
  readonly descending: boolean
  /** False when nobody above hands the rows out. */
  readonly copies: boolean
  readonly memory: QueryMemory
}

/** A step that gave no row, and did not come to an end. */
const NOTHING: unique symbol = Symbol('nothing yet')

export class MergeJoin implements Operator {
  readonly #left: Operator
  readonly #right: Operator
  readonly #options: MergeJoinOptions
  readonly #sign: number
  readonly #share: MemoryShare
  #row: Row | undefined
  #value: Value = null
  /** How many of the group the row has joined. */
  #at = 0
  /** The right rows of one value; all of them once the row behind them is `#ahead`. */
  #group: Row[] = []
  /** Null: there is no group. */
  #groupValue: Value = null
  #isWhole = false
  #ahead: Row | undefined
  #isRightAtEnd = false
  #isEnded = false

  constructor(left: Operator, right: Operator, options: MergeJoinOptions) {
    this.#left = left
    this.#right = right
    this.#options = options
    this.#sign = options.descending ? -1 : 1
    this.#share = options.memory.share('the rows of one value of a join')
  }

  next(): Step {
    for (let i = 0; i < STRIDE; i++) {
      const step = this.#isEnded ? undefined : this.#row === undefined ? this.#nextRow() : this.#joinNext(this.#row)
      if (step !== NOTHING) return step
    }
    return PAUSE
  }

  close(): void {
    this.#isEnded = true
    this.#row = undefined
    this.#ahead = undefined
    this.#clearGroup()
    this.#left.close()
    this.#right.close()
  }

  #nextRow(): Step | typeof NOTHING {
    const row = this.#left.next()
    if (row === undefined || row === PAUSE) return row
    assertNameFree(row, this.#options.as)
    this.#row = row
    this.#value = this.#options.left(row) ?? null
    this.#at = 0
    return NOTHING
  }

  #joinNext(row: Row): Step | typeof NOTHING {
    if (this.#value === null) return this.#endAlone(row)
    if (this.#groupValue === null) {
      if (!this.#isRightAtEnd || this.#ahead !== undefined) return this.#readRight()
      // No right row is left for this row, nor for any behind it.
      if (this.#options.kind === 'inner') this.#isEnded = true
      return this.#endAlone(row)
    }
    const order = this.#sign * compareValues(this.#value, this.#groupValue)
    if (order < 0) return this.#endAlone(row)
    if (!this.#isWhole) return this.#readRight()
    if (order > 0) {
      this.#clearGroup()
      return NOTHING
    }
    return this.#join(row)
  }

  /** The row is joined with the next of the group: there is one. */
  #join(row: Row): Row {
    const { as, copies } = this.#options
    const right = this.#group[this.#at++]!
    const isLast = this.#at === this.#group.length
    if (isLast) this.#row = undefined
    const joined = isLast ? row : copies ? copyValue(row) : { ...row }
    setField(joined, as, copies ? copyValue(right) : right)
    return joined
  }

  #endAlone(row: Row): Row | typeof NOTHING {
    this.#row = undefined
    return this.#options.kind === 'left' ? row : NOTHING
  }

  /** Takes one right row into the group, passes over it, or finds that the group has ended. */
  #readRight(): typeof PAUSE | typeof NOTHING {
    const row = this.#ahead ?? (this.#isRightAtEnd ? undefined : this.#right.next())
    if (row === PAUSE) return PAUSE
    this.#ahead = undefined
    if (row === undefined) {
      this.#isRightAtEnd = true
      this.#isWhole = true
      return NOTHING
    }
    const value = this.#options.right(row) ?? null
    if (value === null) return NOTHING
    if (this.#groupValue === null) {
      // Of rows that the left side is already past none is held.
      if (this.#sign * compareValues(value, this.#value) < 0) return NOTHING
      this.#groupValue = value
    } else if (compareValues(value, this.#groupValue) !== 0) {
      this.#ahead = row
      this.#isWhole = true
      return NOTHING
    }
    this.#share.take(heldBytes(row))
    this.#group.push(row)
    return NOTHING
  }

  #clearGroup(): void {
    this.#group = []
    this.#groupValue = null
    this.#isWhole = false
    this.#share.releaseAll()
  }
}
