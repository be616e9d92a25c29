/** Where in texts the words are that a search looks for. What it takes away, and what it only might find, is not shown. */
import type { Analyzer } from './analyzer.ts'
import { codePointsOf } from './fuzzy.ts'
import { expansionWeight } from './judge.ts'
import type { PlanLeaf, SearchPlan } from './search-plan.ts'
import { eachText, type FieldText } from './text-fields.ts'
import { newWordList, tokenize } from './tokenize.ts'

/** A word found: text.slice(start, end) of the field's text, or of the array's element. */
export interface Highlight {
  readonly field: number
  /** Index in the field's array; 0 of a string. */
  readonly element: number
  readonly start: number
  readonly end: number
}

/** Rising by field, element and place; words of a phrase are shown where the phrase stands, one by one. */
export function highlightTexts(plan: SearchPlan, texts: readonly FieldText[], analyze: Analyzer): Highlight[] {
  const leaves: PlanLeaf[] = []
  collectLeaves(plan, leaves)
  const found: Highlight[] = []
  const list = newWordList()
  eachText(texts, (text, field, element) => {
    tokenize(text, list)
    const terms = list.words.slice(0, list.count).map(analyze)
    const marks = new Uint8Array(terms.length)
    for (const leaf of leaves) if (leaf.field === undefined || leaf.field === field) markWords(leaf, terms, marks)
    for (let i = 0; i < marks.length; i++) {
      if (marks[i] === 1) found.push({ field, element, start: list.starts[i]!, end: list.ends[i]! })
    }
  })
  return found
}

function collectLeaves(plan: SearchPlan, leaves: PlanLeaf[]): void {
  if (plan.kind === 'and' || plan.kind === 'or') for (const part of plan.of) collectLeaves(part, leaves)
  else if (plan.kind !== 'nothing') leaves.push(plan)
}

function markWords(leaf: PlanLeaf, terms: readonly (string | undefined)[], marks: Uint8Array): void {
  switch (leaf.kind) {
    case 'term':
      for (let i = 0; i < terms.length; i++) if (terms[i] === leaf.term) marks[i] = 1
      return
    case 'phrase':
      for (let i = 0; i < terms.length; i++) {
        const begin = i - leaf.offsets[0]!
        if (leaf.terms.every((term, k) => terms[begin + leaf.offsets[k]!] === term)) {
          for (const offset of leaf.offsets) marks[begin + offset] = 1
        }
      }
      return
    default: {
      const word = codePointsOf(leaf.word)
      for (let i = 0; i < terms.length; i++) {
        const term = terms[i]
        if (term !== undefined && expansionWeight(leaf, word, term) > 0) marks[i] = 1
      }
    }
  }
}
