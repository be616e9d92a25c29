/**
 * A query as the index understands it: words analysed, fields by number, each leaf with what a match is worth. Words
 * that are not indexed (stop words, text without a letter) have no say: they are left out wherever they stand.
 */
import { BlazeError } from '../base/errors.ts'
import type { Analyzer } from './analyzer.ts'
import { wordFactor } from './bm25.ts'
import { foldWord } from './fold.ts'
import { expandFuzzy, expandPrefix, findInPart, frequencyInPart, type Part, type WeightedTerm } from './part.ts'
import type { TextLeaf, TextQuery } from './text-query.ts'
import { newWordList, tokenize } from './tokenize.ts'

export type SearchPlan =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'and'; readonly of: readonly SearchPlan[]; readonly none: readonly SearchPlan[] }
  | { readonly kind: 'or'; readonly of: readonly SearchPlan[] }
  | PlanLeaf

export type PlanLeaf =
  | { readonly kind: 'term'; readonly term: string; readonly field: number | undefined; readonly factor: number }
  | {
      readonly kind: 'phrase'
      readonly terms: readonly string[]
      /** Places of the terms in the phrase: stop words leave holes. */
      readonly offsets: readonly number[]
      readonly field: number | undefined
      readonly factor: number
    }
  | ExpandedLeaf

/** A leaf of many terms, found part by part. */
export interface ExpandedLeaf {
  readonly kind: 'prefix' | 'fuzzy'
  readonly word: string
  /** 0 for a prefix. */
  readonly edits: number
  readonly field: number | undefined
  readonly factor: number
  readonly expansions: ReadonlyMap<Part, readonly WeightedTerm[]>
}

/** What the plan is made from. */
export interface PlanContext {
  readonly analyze: Analyzer
  readonly fields: readonly string[]
  readonly parts: readonly Part[]
  /** Live documents. */
  readonly documents: number
}

const NOTHING: SearchPlan = { kind: 'nothing' }

export function planSearch(query: TextQuery, context: PlanContext): SearchPlan {
  return planNode(query, context) ?? NOTHING
}

/** Undefined for what has no say. */
function planNode(query: TextQuery, context: PlanContext): SearchPlan | undefined {
  switch (query.kind) {
    case 'and':
      return planAnd(query.of, context)
    case 'or': {
      const of = query.of.map((part) => planNode(part, context)).filter((part) => part !== undefined)
      if (of.length === 0 && query.of.length > 0) return undefined
      const some = of.filter((part) => part.kind !== 'nothing')
      return some.length === 0 ? NOTHING : some.length === 1 ? some[0]! : { kind: 'or', of: some }
    }
    case 'not':
      return NOTHING
    default:
      return planLeaf(query, context)
  }
}

function planAnd(parts: readonly TextQuery[], context: PlanContext): SearchPlan | undefined {
  const of: SearchPlan[] = []
  const none: SearchPlan[] = []
  let isSilent = parts.length > 0
  const visit = (part: TextQuery): void => {
    if (part.kind === 'and') {
      part.of.forEach(visit)
      return
    }
    const plan = planNode(part.kind === 'not' ? part.of : part, context)
    if (plan === undefined) return
    isSilent = false
    if (part.kind !== 'not') of.push(plan)
    else if (plan.kind !== 'nothing') none.push(plan)
  }
  parts.forEach(visit)
  if (isSilent) return undefined
  if (of.length === 0 || of.some((part) => part.kind === 'nothing')) return NOTHING
  return of.length === 1 && none.length === 0 ? of[0]! : { kind: 'and', of, none }
}

function planLeaf(leaf: TextLeaf, context: PlanContext): PlanLeaf | undefined {
  const field = fieldOf(leaf, context.fields)
  if (leaf.kind === 'prefix') return planExpanded(leaf.text, undefined, field, context)
  if (leaf.kind === 'fuzzy') return planExpanded(leaf.text, leaf.edits, field, context)
  const words = newWordList()
  tokenize(leaf.text, words)
  const terms: string[] = []
  const offsets: number[] = []
  for (let i = 0; i < words.count; i++) {
    const term = context.analyze(words.words[i]!)
    if (term === undefined) continue
    terms.push(term)
    offsets.push(i)
  }
  if (terms.length === 0) return undefined
  // A phrase is worth the sum of its words: how often it comes is only known after looking for it.
  const factor = terms.reduce((sum, term) => sum + wordFactor(context.documents, frequencyOf(term, context)), 0)
  if (terms.length === 1) return { kind: 'term', term: terms[0]!, field, factor }
  return { kind: 'phrase', terms, offsets, field, factor }
}

/** A leaf of the terms that begin with the text (no edits given), or are at most `edits` away from it. */
function planExpanded(
  text: string,
  edits: number | undefined,
  field: number | undefined,
  context: PlanContext,
): PlanLeaf | undefined {
  const word = foldWord(text)
  if (word === '') return undefined
  const expansions = new Map<Part, readonly WeightedTerm[]>()
  let frequency = 0
  for (const part of context.parts) {
    const terms = edits === undefined ? expandPrefix(part, word) : expandFuzzy(part, word, edits)
    expansions.set(part, terms)
    for (const { number } of terms) frequency += frequencyInPart(part, number)
  }
  const factor = wordFactor(context.documents, frequency)
  return { kind: edits === undefined ? 'prefix' : 'fuzzy', word, edits: edits ?? 0, field, factor, expansions }
}

/** Documents with the term, those included that died and were not merged away yet. */
function frequencyOf(term: string, context: PlanContext): number {
  let frequency = 0
  for (const part of context.parts) {
    const number = findInPart(part, term)
    if (number >= 0) frequency += frequencyInPart(part, number)
  }
  return frequency
}

function fieldOf(leaf: TextLeaf, fields: readonly string[]): number | undefined {
  if (leaf.field === undefined) return undefined
  const field = fields.indexOf(leaf.field)
  if (field >= 0) return field
  throw new BlazeError(
    'INVALID_QUERY',
    `The search is refused: the text index has no field '${leaf.field}'; it has ${fields.join(', ')}.`,
    { path: leaf.field },
  )
}
