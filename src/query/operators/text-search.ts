/**
 * A text search: the matching records, the best first, ties by id, each with its `$score` (and its `$highlights`).
 *
 * The index is caught up in steps; in the turn in which that is done the search is run over what the snapshot surely sees
 * of it, and over the texts of the records that it sees in another version: older ones, and the transaction's own. From
 * then on only the records that are asked for are read.
 */

import type { RecordId } from '../../base/ids.ts'
import { invariant } from '../../base/invariant.ts'
import type { Value } from '../../base/values.ts'
import { compareValues } from '../../codec/order.ts'
import type { Highlight } from '../../text/highlight.ts'
import type { PreparedSearch } from '../../text/prepared-search.ts'
import type { TextQuery } from '../../text/text-query.ts'
import { setField } from '../row-fields.ts'
import type { SearchRead } from '../search-read.ts'
import { type DerivedSource, END, type Row, type TextPreparation, type TextSource } from '../source.ts'
import { type Operator, PAUSE, type Step } from './operator.ts'

export interface TextSearchOptions {
  readonly query: TextQuery
  readonly highlights: boolean
  /** Rows that are wanted at most; undefined: all. */
  readonly most: number | undefined
  /** Told what the search looks for, to be validated later. */
  readonly reads: readonly SearchRead[]
}

/** Records that a step of the preparation works on: below a millisecond. */
const RECORDS_PER_STEP = 64

/** A record found by its texts: it is not, or not like that, in the index. */
interface Judged {
  readonly row: Row
  readonly score: number
}

export class TextSearch implements Operator {
  readonly #derived: DerivedSource
  readonly #text: TextSource
  readonly #options: TextSearchOptions
  #preparation: TextPreparation | undefined
  #prepared: PreparedSearch | undefined
  #slots: Uint32Array = new Uint32Array(0)
  #scores: Float64Array = new Float64Array(0)
  #at = 0
  #judged: readonly Judged[] = []
  #judgedAt = 0
  #skipped = false

  constructor(derived: DerivedSource, text: TextSource, options: TextSearchOptions) {
    this.#derived = derived
    this.#text = text
    this.#options = options
  }

  next(): Step {
    if (this.#prepared === undefined) {
      const prepared = this.#prepare()
      if (prepared === undefined) return PAUSE
      this.#rank(prepared)
      return PAUSE
    }
    return this.#take(this.#prepared)
  }

  /** All are counted at once, none is read. */
  skip(): number {
    if (this.#skipped) return END
    if (this.#prepared !== undefined) {
      const step = this.next()
      return step === undefined ? END : step === PAUSE ? 0 : 1
    }
    const prepared = this.#prepare()
    if (prepared === undefined) return 0
    this.#skipped = true
    return prepared.count(this.#text) + this.#judge(prepared).length
  }

  close(): void {
    this.#slots = new Uint32Array(0)
    this.#judged = []
  }

  /** Works on the index; the search when it is ready to be run in this turn. */
  #prepare(): PreparedSearch | undefined {
    this.#derived.assertAlive()
    this.#preparation ??= this.#text.prepare()
    if (!this.#preparation.step(RECORDS_PER_STEP)) return undefined
    const prepared = this.#preparation.index.prepare(this.#options.query)
    for (const read of this.#options.reads) read.prepared = prepared
    return prepared
  }

  #rank(prepared: PreparedSearch): void {
    const derived = this.#derived
    const most = this.#options.most ?? this.#preparation!.index.statistics().documents
    const { slots, scores } = prepared.top(most, (a, b) => derived.compareSlots(a, b), this.#text)
    this.#slots = slots
    this.#scores = scores
    this.#judged = this.#judge(prepared).sort((a, b) => b.score - a.score || compareValues(a.row.id, b.row.id))
    this.#prepared = prepared
  }

  /** The matching records that the snapshot sees otherwise than the index has them. */
  #judge(prepared: PreparedSearch): Judged[] {
    const derived = this.#derived
    if (derived.isNewest || !prepared.canMatch) return []
    const masked = new Set(derived.maskedSlots)
    const judged: Judged[] = []
    const judge = (row: Row): void => {
      const score = prepared.score(this.#text.textsOf(row))
      if (score !== undefined) judged.push({ row, score })
    }
    for (const slot of derived.changedSlots(0, derived.rows.highSlot)) {
      const row = masked.has(slot) ? undefined : derived.recordAt(slot)
      if (row !== undefined) judge(row)
    }
    for (const row of derived.ownRows()) judge(row)
    return judged
  }

  /** The better one of the next of both. */
  #take(prepared: PreparedSearch): Step {
    const judged = this.#judged[this.#judgedAt]
    if (this.#at === this.#slots.length) {
      if (judged === undefined) return undefined
      this.#judgedAt++
      return this.#finish(judged.row, judged.score, prepared)
    }
    const slot = this.#slots[this.#at]!
    const score = this.#scores[this.#at]!
    if (judged !== undefined && isBefore(judged, score, () => this.#derived.idAt(slot))) {
      this.#judgedAt++
      return this.#finish(judged.row, judged.score, prepared)
    }
    this.#at++
    const row = this.#derived.recordAt(slot)
    invariant(row !== undefined, () => `a record that was found at slot ${slot} is gone`)
    return this.#finish(row, score, prepared)
  }

  #finish(row: Row, score: number, prepared: PreparedSearch): Row {
    setField(row, '$score', score)
    if (this.#options.highlights) {
      const found = prepared.highlight(this.#text.textsOf(row))
      setField(
        row,
        '$highlights',
        found.map((one) => this.#named(one)),
      )
    }
    return row
  }

  /** Where a word was found: the field by its path, the element of an array of texts, offsets in UTF-16 units. */
  #named({ field, element, start, end }: Highlight): Value {
    return { field: this.#text.spec.fields[field]!.path, element, start, end }
  }
}

function isBefore(judged: Judged, score: number, idOf: () => RecordId): boolean {
  return judged.score === score ? compareValues(judged.row.id, idOf()) < 0 : judged.score > score
}
