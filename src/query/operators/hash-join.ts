/**
 * A join by what is equal: the rows of one side are held by their keys, then those of the other are put to them one by
 * one. Held is the right side, or for inner joins the left one where that is smaller. Of a right or full join the held
 * rows that nobody met come at the end.
 *
 * A row that joins several goes into several rows, and what is handed out belongs to the caller alone: so it is copied,
 * but for the last of them.
 */
import { copyValue } from '../../base/copy-value.ts'
import { invariant } from '../../base/invariant.ts'
import type { StoredRecord } from '../../base/values.ts'
import type { JoinKind } from '../query-data.ts'
import { heldBytes, type MemoryShare, type QueryMemory } from '../query-memory.ts'
import { assertNameFree, emptyRow, setField } from '../row-fields.ts'
import type { Row } from '../source.ts'
import type { ValueKey } from '../value-key.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'

export interface HashJoinOptions {
  readonly kind: JoinKind
  readonly as: string
  /** The key of a row; undefined joins nothing. */
  readonly leftKey: (row: StoredRecord) => ValueKey
  readonly rightKey: (row: StoredRecord) => ValueKey
  readonly build: 'left' | 'right'
  /** False when nobody above hands the rows out. */
  readonly copies: boolean
  readonly memory: QueryMemory
}

/** A held row, in the chain of those with its key. */
interface Held {
  readonly row: Row
  next: Held | undefined
  /** Of the first of a chain: some row joined it. */
  isMet: boolean
}

/** Beside the row: itself and its entry in the map. */
const ENTRY_BYTES = 96

/** A step that gave no row, and did not come to an end. */
const NOTHING: unique symbol = Symbol('nothing yet')

export class HashJoin implements Operator {
  readonly #options: HashJoinOptions
  readonly #holding: Operator
  readonly #probing: Operator
  readonly #holdsLeft: boolean
  /** Only that there is such a row matters. */
  readonly #needsOne: boolean
  readonly #givesHeld: boolean
  readonly #held = new Map<ValueKey, Held>()
  /** Of a right or full join: held rows without a key. */
  readonly #keyless: Row[] = []
  readonly #share: MemoryShare
  #phase: 'hold' | 'probe' | 'rest' | 'end' = 'hold'
  /** The row that is being joined, and the held one that it joins next. */
  #row: Row | undefined
  #next: Held | undefined
  #rest: Iterator<Row> | undefined

  constructor(left: Operator, right: Operator, options: HashJoinOptions) {
    const { kind, build, memory } = options
    this.#options = options
    this.#holdsLeft = build === 'left'
    invariant(!this.#holdsLeft || kind === 'inner', () => `a ${kind} join holds its right side`)
    this.#holding = this.#holdsLeft ? left : right
    this.#probing = this.#holdsLeft ? right : left
    this.#needsOne = kind === 'semi' || kind === 'anti'
    this.#givesHeld = kind === 'right' || kind === 'full'
    this.#share = memory.share('the rows of one side of a join')
  }

  next(): Step {
    for (let i = 0; i < STRIDE; i++) {
      const step = this.#advance()
      if (step !== NOTHING) return step
    }
    return PAUSE
  }

  close(): void {
    this.#end()
    this.#holding.close()
    this.#probing.close()
  }

  /** One row of an input, or one of a chain. */
  #advance(): Step | typeof NOTHING {
    switch (this.#phase) {
      case 'hold':
        return this.#takeHeld()
      case 'probe':
        return this.#row === undefined ? this.#probe() : this.#joinNext(this.#row)
      case 'rest': {
        const next = this.#rest!.next()
        if (next.done !== true) return next.value
        this.#end()
        return undefined
      }
      case 'end':
        return undefined
    }
  }

  #takeHeld(): typeof PAUSE | typeof NOTHING {
    const row = this.#holding.next()
    if (row === PAUSE) return PAUSE
    if (row !== undefined) {
      this.#hold(row)
      return NOTHING
    }
    const { kind } = this.#options
    const joinsNothing = this.#held.size === 0 && (kind === 'inner' || kind === 'semi')
    this.#phase = joinsNothing ? 'end' : 'probe'
    return NOTHING
  }

  #hold(row: Row): void {
    if (this.#holdsLeft) assertNameFree(row, this.#options.as)
    const key = this.#holdsLeft ? this.#options.leftKey(row) : this.#options.rightKey(row)
    if (key === undefined && !this.#givesHeld) return
    const first = this.#held.get(key)
    if (first !== undefined && this.#needsOne) return
    // Of a key that is all that matters the row is let go.
    const held: Held = { row: this.#needsOne ? NO_ROW : row, next: undefined, isMet: false }
    this.#share.take(ENTRY_BYTES + (this.#needsOne ? heldBytes(key) : heldBytes(row)))
    if (key === undefined) this.#keyless.push(row)
    else if (first === undefined) this.#held.set(key, held)
    else {
      held.next = first.next
      first.next = held
    }
  }

  #probe(): Step | typeof NOTHING {
    const row = this.#probing.next()
    if (row === PAUSE) return PAUSE
    if (row === undefined) {
      this.#phase = 'rest'
      this.#rest = this.#unmet()
      return NOTHING
    }
    const { kind, as } = this.#options
    if (!this.#holdsLeft) assertNameFree(row, as)
    const key = this.#holdsLeft ? this.#options.rightKey(row) : this.#options.leftKey(row)
    const first = key === undefined ? undefined : this.#held.get(key)
    if (kind === 'semi') return first === undefined ? NOTHING : row
    if (first === undefined) return kind === 'inner' || kind === 'right' ? NOTHING : row
    if (kind === 'anti') return NOTHING
    first.isMet = true
    this.#next = first
    this.#row = row
    return this.#joinNext(row)
  }

  /** The row with the next held one that it joins: there is one. */
  #joinNext(row: Row): Row {
    const { row: held, next } = this.#next!
    const { as, copies } = this.#options
    this.#next = next
    if (next === undefined) this.#row = undefined
    const isLast = next === undefined
    if (this.#holdsLeft) {
      const joined = copies ? copyValue(held) : { ...held }
      setField(joined, as, copies && !isLast ? copyValue(row) : row)
      return joined
    }
    const joined = isLast ? row : copies ? copyValue(row) : { ...row }
    setField(joined, as, copies ? copyValue(held) : held)
    return joined
  }

  *#unmet(): Generator<Row, void, undefined> {
    if (!this.#givesHeld) return
    for (const row of this.#keyless) yield this.#alone(row)
    for (const first of this.#held.values()) {
      if (first.isMet) continue
      for (let held: Held | undefined = first; held !== undefined; held = held.next) yield this.#alone(held.row)
    }
  }

  #alone(row: Row): Row {
    const alone = emptyRow()
    setField(alone, this.#options.as, row)
    return alone
  }

  #end(): void {
    this.#phase = 'end'
    this.#row = undefined
    this.#next = undefined
    this.#held.clear()
    this.#keyless.length = 0
    this.#share.releaseAll()
  }
}

const NO_ROW: Row = Object.freeze(emptyRow())
