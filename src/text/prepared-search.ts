/**
 * A search made ready: the query analysed, its words looked up, what they are worth by the statistics of now. It is to
 * be used in the turn in which it was made; {@link PreparedSearch.score} and {@link PreparedSearch.highlight}, which
 * look at given texts only, stay usable.
 */
import { invariant } from '../base/invariant.ts'
import type { Analyzer } from './analyzer.ts'
import type { Documents } from './documents.ts'
import type { FieldCounts } from './field-counts.ts'
import { type Highlight, highlightTexts } from './highlight.ts'
import { judgeTexts } from './judge.ts'
import { openScorer } from './open-scorer.ts'
import type { Part } from './part.ts'
import { type Scorer, WINDOW, WindowBuffers } from './scorer.ts'
import type { SearchPlan } from './search-plan.ts'
import type { FieldText } from './text-fields.ts'
import { type Ranking, type SlotOrder, TopK } from './top-k.ts'

/** Which of the indexed documents count. */
export interface TextView {
  /** True when the version of commit `commit` is what the reader sees of the record `slot`. */
  isSure(slot: number, commit: number): boolean
  /** Further conditions; asked of sure ones only. */
  accepts?(slot: number): boolean
}

export interface SearchState {
  readonly plan: SearchPlan
  readonly parts: readonly Part[]
  readonly fieldCounts: FieldCounts
  readonly analyze: Analyzer
  readonly lengthFactor: number
  /** Slots are below it. */
  readonly slotLimit: number
  /** False once the index has changed. */
  readonly isCurrent: () => boolean
}

/** One match in this many documents is rare: then a window is of so many. */
const RARE_SHARE = 64
const RARE_WINDOW = 128

/** Bits of the words of a set of slots. */
const WORD_BITS = 32

export class PreparedSearch {
  readonly #state: SearchState

  constructor(state: SearchState) {
    this.#state = state
  }

  /** False when no document can match, whatever its texts. */
  get canMatch(): boolean {
    return this.#state.plan.kind !== 'nothing'
  }

  /** The `limit` best documents that count, by score, then by `order` of slots. */
  top(limit: number, order: SlotOrder, view: TextView): Ranking {
    const top = new TopK(limit, order)
    const scores = new Float64Array(WINDOW)
    this.#eachScorer((scorer, documents) => {
      const span = spanOf(scorer, documents)
      for (let start = scorer.next(0); start < documents.count; start = scorer.next(start)) {
        const end = Math.min(start + span, documents.count)
        if (scorer.bound(start, end) >= top.least && scorer.add(start, end, scores) > 0) {
          offerWindow(scores, documents, start, end, view, top)
          scores.fill(0, 0, end - start)
        }
        if (end === documents.count) break
        start = end
      }
    })
    return top.ranking()
  }

  /** All documents that match and count, in the order of slots. */
  matches(view: TextView): Uint32Array {
    const bits = new Uint32Array(Math.ceil(this.#state.slotLimit / WORD_BITS))
    const scores = new Float64Array(WINDOW)
    let count = 0
    this.#eachScorer((scorer, documents) => {
      const span = spanOf(scorer, documents)
      for (let start = scorer.next(0); start < documents.count; start = scorer.next(start)) {
        const end = Math.min(start + span, documents.count)
        if (scorer.add(start, end, scores) > 0) {
          count += markWindow(scores, documents, start, end, view, bits)
          scores.fill(0, 0, end - start)
        }
        if (end === documents.count) break
        start = end
      }
    })
    return slotsOf(bits, count)
  }

  /** How many documents match and count. */
  count(view: TextView): number {
    return this.matches(view).length
  }

  /** The score of given texts, one a field; undefined when they do not match. */
  score(texts: readonly FieldText[]): number | undefined {
    const { plan, analyze, lengthFactor, fieldCounts } = this.#state
    return judgeTexts(plan, texts, { analyze, lengthFactor, weights: fieldCounts.weights })
  }

  /** Where in given texts the words are that are looked for. */
  highlight(texts: readonly FieldText[]): Highlight[] {
    return highlightTexts(this.#state.plan, texts, this.#state.analyze)
  }

  #eachScorer(visit: (scorer: Scorer, documents: Documents) => void): void {
    const { plan, parts, fieldCounts, lengthFactor, isCurrent } = this.#state
    invariant(isCurrent(), () => 'a prepared search was used after its index had changed')
    const buffers = new WindowBuffers()
    for (const part of parts) {
      const scorer = openScorer(plan, { part, fieldCounts, lengthFactor, buffers })
      if (scorer !== undefined) visit(scorer, part.documents)
      buffers.giveBack()
    }
  }
}

/** Documents of a window: few when matches are rare, and a window would be nearly empty. */
function spanOf(scorer: Scorer, documents: Documents): number {
  return scorer.cost * RARE_SHARE < documents.count ? RARE_WINDOW : WINDOW
}

function offerWindow(
  scores: Float64Array,
  documents: Documents,
  start: number,
  end: number,
  view: TextView,
  top: TopK,
): void {
  const { slots } = documents
  const size = end - start
  let least = top.least
  for (let i = 0; i < size; i++) {
    const score = scores[i]!
    if (score < least || score === 0) continue
    if (!counts(documents, start + i, view)) continue
    top.offer(slots[start + i]!, score)
    least = top.least
  }
}

function markWindow(
  scores: Float64Array,
  documents: Documents,
  start: number,
  end: number,
  view: TextView,
  bits: Uint32Array,
): number {
  const { slots } = documents
  const size = end - start
  let marked = 0
  for (let i = 0; i < size; i++) {
    if (scores[i] === 0 || !counts(documents, start + i, view)) continue
    const slot = slots[start + i]!
    bits[slot >>> 5]! |= 1 << (slot & 31)
    marked++
  }
  return marked
}

function counts(documents: Documents, ordinal: number, view: TextView): boolean {
  if (documents.deaths[ordinal] === 1) return false
  const slot = documents.slots[ordinal]!
  return view.isSure(slot, documents.commits[ordinal]!) && (view.accepts === undefined || view.accepts(slot))
}

function slotsOf(bits: Uint32Array, count: number): Uint32Array {
  const slots = new Uint32Array(count)
  let next = 0
  for (let i = 0; i < bits.length; i++) {
    for (let word = bits[i]!; word !== 0; word &= word - 1) {
      slots[next++] = i * WORD_BITS + (WORD_BITS - 1 - Math.clz32(word & -word))
    }
  }
  return slots
}
