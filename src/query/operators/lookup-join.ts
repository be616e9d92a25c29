/** A join that looks the other side up for each row: for few rows and a large other side with an id or an index. */
import { copyValue } from '../../base/copy-value.ts'
import type { StoredRecord, Value } from '../../base/values.ts'
import type { RowValue } from '../expression.ts'
import type { JoinKind } from '../query-data.ts'
import { assertNameFree, setField } from '../row-fields.ts'
import type { Row } from '../source.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'

export interface LookupJoinOptions {
  readonly kind: Extract<JoinKind, 'inner' | 'left' | 'semi' | 'anti'>
  readonly as: string
  /** The value by which is looked up; null and missing find nothing. */
  readonly by: RowValue
  /** The one record of that value, or the records: an operator, closed by the join. */
  readonly find:
    | { readonly kind: 'one'; readonly get: (value: Value) => Row | undefined }
    | { readonly kind: 'several'; readonly open: (value: Value) => Operator }
  /** What is found joins only when this holds too. */
  readonly matches: (row: StoredRecord, other: StoredRecord) => boolean
  /** A row finds at most one. */
  readonly findsOne: boolean
}

/** A step that gave no row, and did not come to an end. */
const NOTHING: unique symbol = Symbol('nothing yet')

export class LookupJoin implements Operator {
  readonly #input: Operator
  readonly #options: LookupJoinOptions
  #row: Row | undefined
  #found: Operator | undefined
  #isMet = false

  constructor(input: Operator, options: LookupJoinOptions) {
    this.#input = input
    this.#options = options
  }

  next(): Step {
    for (let i = 0; i < STRIDE; i++) {
      const step = this.#row === undefined ? this.#nextRow() : this.#nextFound(this.#row)
      if (step !== NOTHING) return step
    }
    return PAUSE
  }

  close(): void {
    this.#found?.close()
    this.#input.close()
  }

  /** Takes the next row and begins to look it up. */
  #nextRow(): Step | typeof NOTHING {
    const row = this.#input.next()
    if (row === undefined || row === PAUSE) return row
    assertNameFree(row, this.#options.as)
    const value = this.#options.by(row)
    const { find } = this.#options
    const isNothing = value === undefined || value === null
    if (find.kind === 'one') return this.#joined(row, isNothing ? undefined : find.get(value))
    this.#row = row
    this.#isMet = false
    this.#found = isNothing ? undefined : find.open(value)
    return NOTHING
  }

  /** A row with the one record that it found, if it did. */
  #joined(row: Row, other: Row | undefined): Row | typeof NOTHING {
    const { kind, as, matches } = this.#options
    const isMet = other !== undefined && matches(row, other)
    if (kind === 'semi' || kind === 'anti') return isMet === (kind === 'semi') ? row : NOTHING
    if (!isMet) return kind === 'left' ? row : NOTHING
    setField(row, as, other)
    return row
  }

  #nextFound(row: Row): Step | typeof NOTHING {
    const { kind, as, matches, findsOne } = this.#options
    const other = this.#found?.next()
    if (other === PAUSE) return PAUSE
    if (other === undefined) {
      this.#endRow()
      return !this.#isMet && (kind === 'left' || kind === 'anti') ? row : NOTHING
    }
    if (!matches(row, other)) return NOTHING
    this.#isMet = true
    const isLast = findsOne || kind === 'semi' || kind === 'anti'
    if (isLast) this.#endRow()
    if (kind === 'semi') return row
    if (kind === 'anti') return NOTHING
    // What goes into several rows is copied: what is handed out belongs to the caller alone.
    const joined = isLast ? row : copyValue(row)
    setField(joined, as, other)
    return joined
  }

  #endRow(): void {
    this.#row = undefined
    this.#found?.close()
    this.#found = undefined
  }
}
