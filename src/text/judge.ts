/**
 * Whether, and how well, given texts match: for versions of records that are not the ones indexed. The same meaning and
 * the same arithmetic as the scorers, over one document.
 */
import type { Analyzer } from './analyzer.ts'
import { addend, editWeight } from './bm25.ts'
import { codePointsOf, editDistance } from './fuzzy.ts'
import { countPhrases } from './phrase.ts'
import type { ExpandedLeaf, PlanLeaf, SearchPlan } from './search-plan.ts'
import { eachText, type FieldText, POSITION_GAP } from './text-fields.ts'
import { newWordList, tokenize } from './tokenize.ts'

/** By term and field, the positions. */
type Occurrences = ReadonlyMap<string, readonly (readonly number[] | undefined)[]>

export interface JudgeContext {
  readonly analyze: Analyzer
  readonly weights: Float64Array
  readonly lengthFactor: number
}

/** The score of the texts, or undefined when they do not match. */
export function judgeTexts(plan: SearchPlan, texts: readonly FieldText[], context: JudgeContext): number | undefined {
  const { occurrences, words } = occurrencesIn(texts, context)
  let length = 0
  for (let field = 0; field < words.length; field++) length += context.weights[field]! * words[field]!
  const score = judge(plan, occurrences, length, context)
  return score === 0 ? undefined : score
}

function occurrencesIn(
  texts: readonly FieldText[],
  context: JudgeContext,
): { readonly occurrences: Occurrences; readonly words: Uint32Array } {
  const occurrences = new Map<string, number[][]>()
  const words = new Uint32Array(context.weights.length)
  const list = newWordList()
  let position = 0
  eachText(texts, (text, field, element) => {
    position = element === 0 ? 0 : position + POSITION_GAP
    tokenize(text, list)
    for (let i = 0; i < list.count; i++, position++) {
      const term = context.analyze(list.words[i]!)
      if (term === undefined) continue
      words[field]!++
      let byField = occurrences.get(term)
      if (byField === undefined) {
        byField = []
        occurrences.set(term, byField)
      }
      byField[field] ??= []
      byField[field].push(position)
    }
  })
  return { occurrences, words }
}

/** 0 for no match. */
function judge(plan: SearchPlan, occurrences: Occurrences, length: number, context: JudgeContext): number {
  switch (plan.kind) {
    case 'nothing':
      return 0
    case 'and': {
      let sum = 0
      for (const part of plan.of) {
        const score = judge(part, occurrences, length, context)
        if (score === 0) return 0
        sum += score
      }
      return plan.none.some((part) => judge(part, occurrences, length, context) > 0) ? 0 : sum
    }
    case 'or':
      return plan.of.reduce((sum, part) => sum + judge(part, occurrences, length, context), 0)
    default: {
      const tf = weightedCount(plan, occurrences, context.weights)
      return tf === 0 ? 0 : addend(plan.factor, tf, length, context.lengthFactor)
    }
  }
}

function weightedCount(leaf: PlanLeaf, occurrences: Occurrences, weights: Float64Array): number {
  switch (leaf.kind) {
    case 'term':
      return termCount(occurrences.get(leaf.term), leaf.field, weights)
    case 'phrase':
      return phraseCount(leaf, occurrences, weights)
    default:
      return expandedCount(leaf, occurrences, weights)
  }
}

function termCount(
  byField: readonly (readonly number[] | undefined)[] | undefined,
  only: number | undefined,
  weights: Float64Array,
): number {
  let sum = 0
  for (let field = 0; byField !== undefined && field < byField.length; field++) {
    if (only === undefined || only === field) sum += weights[field]! * (byField[field]?.length ?? 0)
  }
  return sum
}

function phraseCount(
  leaf: PlanLeaf & { readonly kind: 'phrase' },
  occurrences: Occurrences,
  weights: Float64Array,
): number {
  let sum = 0
  for (let field = 0; field < weights.length; field++) {
    if (leaf.field !== undefined && leaf.field !== field) continue
    const lists = leaf.terms.map((term) => Uint32Array.from(occurrences.get(term)?.[field] ?? []))
    const ends = Uint32Array.from(lists, (list) => list.length)
    sum += weights[field]! * countPhrases(lists, new Uint32Array(lists.length), ends, leaf.offsets)
  }
  return sum
}

function expandedCount(leaf: ExpandedLeaf, occurrences: Occurrences, weights: Float64Array): number {
  const word = codePointsOf(leaf.word)
  let sum = 0
  for (const [term, byField] of occurrences) {
    const weight = expansionWeight(leaf, word, term)
    if (weight > 0) sum += weight * termCount(byField, leaf.field, weights)
  }
  return sum
}

/** How much an occurrence of the term counts; 0 when it is not one of the leaf's. `word` has the leaf's code points. */
export function expansionWeight(leaf: ExpandedLeaf, word: Uint32Array, term: string): number {
  if (leaf.kind === 'prefix') return term.startsWith(leaf.word) ? 1 : 0
  const edits = editDistance(word, codePointsOf(term), leaf.edits)
  return edits <= leaf.edits ? editWeight(edits) : 0
}
