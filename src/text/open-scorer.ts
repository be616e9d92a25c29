/** From a plan to the scorer of one part; undefined when nothing in the part can match. */
import { AndScorer, OrScorer } from './combined-scorers.ts'
import { ExpandedScorer } from './expanded-scorer.ts'
import type { FieldCounts } from './field-counts.ts'
import { findInPart, openCursor, type Part } from './part.ts'
import { PhraseScorer } from './phrase-scorer.ts'
import type { PostingCursor } from './posting-cursor.ts'
import type { Scorer, WindowBuffers } from './scorer.ts'
import type { ExpandedLeaf, PlanLeaf, SearchPlan } from './search-plan.ts'
import { TermScorer } from './term-scorer.ts'

export interface ScorerContext {
  readonly part: Part
  readonly fieldCounts: FieldCounts
  readonly lengthFactor: number
  readonly buffers: WindowBuffers
}

export function openScorer(plan: SearchPlan, context: ScorerContext): Scorer | undefined {
  switch (plan.kind) {
    case 'nothing':
      return undefined
    case 'and': {
      const of = openAll(plan.of, context)
      if (of.length < plan.of.length) return undefined
      const none = openAll(plan.none, context)
      if (of.length === 1 && none.length === 0) return of[0]
      return new AndScorer(of, none, () => context.buffers.take())
    }
    case 'or': {
      const of = openAll(plan.of, context)
      return of.length < 2 ? of[0] : new OrScorer(of, context.buffers.take())
    }
    case 'term':
      return openTerm(plan, context)
    case 'phrase':
      return openPhrase(plan, context)
    default:
      return openExpanded(plan, context)
  }
}

function openAll(plans: readonly SearchPlan[], context: ScorerContext): Scorer[] {
  return plans.map((plan) => openScorer(plan, context)).filter((scorer) => scorer !== undefined)
}

function openTerm(leaf: PlanLeaf & { readonly kind: 'term' }, context: ScorerContext): Scorer | undefined {
  const { part, fieldCounts, lengthFactor } = context
  const number = findInPart(part, leaf.term)
  if (number < 0) return undefined
  // The cursor first: reading the part in memory can give out new codes.
  const cursor = openCursor(part, number)
  return new TermScorer(cursor, part.documents.lengths, fieldCounts.sums(leaf.field), leaf.factor, lengthFactor)
}

function openPhrase(leaf: PlanLeaf & { readonly kind: 'phrase' }, context: ScorerContext): Scorer | undefined {
  const { part, fieldCounts, lengthFactor } = context
  const cursors: PostingCursor[] = []
  for (const term of leaf.terms) {
    const number = findInPart(part, term)
    if (number < 0) return undefined
    cursors.push(openCursor(part, number))
  }
  const factors = { factor: leaf.factor, lengthFactor }
  return new PhraseScorer(cursors, leaf, fieldCounts, part.documents.lengths, factors, context.buffers.take())
}

function openExpanded(leaf: ExpandedLeaf, context: ScorerContext): Scorer | undefined {
  const { part, fieldCounts, lengthFactor } = context
  const terms = leaf.expansions.get(part)
  if (terms === undefined || terms.length === 0) return undefined
  const factors = { factor: leaf.factor, lengthFactor }
  return new ExpandedScorer(part, terms, () => fieldCounts.sums(leaf.field), factors, context.buffers.take())
}
