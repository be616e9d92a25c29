/**
 * A join by what is equal: the other side is collected by its keys, then the rows are put to it one by one. Rows of the
 * other side that nobody met come at the end, for right and full joins.
 */
import { copyValue } from '../../base/copy-value.ts'
import type { StoredRecord } from '../../base/values.ts'
import type { JoinKind } from '../query-data.ts'
import type { QueryMemory } from '../query-memory.ts'
import type { Row } from '../source.ts'
import type { ValueKey } from '../value-key.ts'
import { assertNameFree, unshared, withField } from './joined-row.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'

export interface HashJoinOptions {
  readonly kind: JoinKind
  readonly as: string
  /** The key of a row; undefined joins nothing. */
  readonly leftKey: (row: StoredRecord) => ValueKey
  readonly rightKey: (row: StoredRecord) => ValueKey
  /** Rows of either side are met more than once; copies of them, unless nobody gets to change them. */
  readonly copies: boolean
  readonly memory: QueryMemory
}

/** Rows of the other side with one key. */
interface Bucket {
  readonly rows: Row[]
  isMet: boolean
}

export class HashJoin implements Operator {
  readonly #left: Operator
  readonly #right: Operator
  readonly #options: HashJoinOptions
  readonly #buckets = new Map<ValueKey, Bucket>()
  /** Rows of the other side without a key. */
  readonly #keyless: Row[] = []
  #held = 0
  #isBuilt = false
  #row: Row | undefined
  #bucket: Bucket | undefined
  #at = 0
  #rest: Iterator<Row> | undefined

  constructor(left: Operator, right: Operator, options: HashJoinOptions) {
    this.#left = left
    this.#right = right
    this.#options = options
  }

  next(): Step {
    if (!this.#isBuilt && !this.#build()) return PAUSE
    for (let i = 0; i < STRIDE; i++) {
      const joined = this.#nextOfBucket()
      if (joined !== undefined) return joined
      if (this.#rest !== undefined) return this.#nextUnmet()
      const row = this.#left.next()
      if (row === PAUSE) return PAUSE
      if (row === undefined) this.#rest = this.#unmet()
      else {
        const alone = this.#meet(row)
        if (alone !== undefined) return alone
      }
    }
    return PAUSE
  }

  close(): void {
    this.#options.memory.release(this.#held)
    this.#held = 0
    this.#buckets.clear()
    this.#keyless.length = 0
    this.#left.close()
    this.#right.close()
  }

  /** Takes in some rows of the other side; true when it has them all. */
  #build(): boolean {
    const { rightKey, kind, memory } = this.#options
    const keepsKeyless = kind === 'right' || kind === 'full'
    for (let i = 0; i < STRIDE; i++) {
      const row = this.#right.next()
      if (row === PAUSE) return false
      if (row === undefined) {
        this.#isBuilt = true
        return true
      }
      const key = rightKey(row)
      if (key === undefined && !keepsKeyless) continue
      memory.hold(1, 'a join')
      this.#held++
      const bucket = this.#buckets.get(key)
      if (key === undefined) this.#keyless.push(row)
      else if (bucket === undefined) this.#buckets.set(key, { rows: [row], isMet: false })
      else bucket.rows.push(row)
    }
    return false
  }

  /** The row is put to the other side; gives it when it goes on alone. */
  #meet(row: Row): Row | undefined {
    const { kind, as, leftKey } = this.#options
    assertNameFree(row, as)
    const key = leftKey(row)
    const bucket = key === undefined ? undefined : this.#buckets.get(key)
    if (kind === 'semi') return bucket === undefined ? undefined : row
    if (kind === 'anti') return bucket === undefined ? row : undefined
    if (bucket === undefined) return kind === 'left' || kind === 'full' ? row : undefined
    bucket.isMet = true
    this.#row = row
    this.#bucket = bucket
    this.#at = 0
    return undefined
  }

  #nextOfBucket(): Row | undefined {
    const bucket = this.#bucket
    if (bucket === undefined) return undefined
    const other = bucket.rows[this.#at++]
    if (other === undefined) {
      this.#bucket = undefined
      return undefined
    }
    const { as, copies } = this.#options
    const row = this.#row
    if (!copies) return withField(row, as, other)
    const isLast = this.#at === bucket.rows.length
    return withField(isLast || row === undefined ? row : unshared(row), as, copyValue(other))
  }

  #nextUnmet(): Step {
    const next = this.#rest?.next()
    return next === undefined || next.done === true ? undefined : next.value
  }

  *#unmet(): Generator<Row, void, undefined> {
    const { kind, as } = this.#options
    if (kind !== 'right' && kind !== 'full') return
    for (const row of this.#keyless) yield withField(undefined, as, row)
    for (const { rows, isMet } of this.#buckets.values()) {
      if (!isMet) for (const row of rows) yield withField(undefined, as, row)
    }
  }
}
