/**
 * How much of its input a condition is guessed to let through when no index was asked about it. Rough on purpose: the
 * figures only have to put `eq` before ranges and ranges before the rest; where an index can count, it is asked.
 */
import type { Condition, Predicate } from './query-data.ts'

const EQUAL = 0.05
const RANGE = 0.3
const PATTERN = 0.15
const OTHER = 0.5

/** The guessed part of the records for which the predicate is true, from 0 to 1. */
export function selectivityOf(predicate: Predicate): number {
  switch (predicate.kind) {
    case 'field':
      return ofCondition(predicate.test)
    case 'not':
      return 1 - selectivityOf(predicate.of)
    case 'and':
      return predicate.of.reduce((part, of) => part * selectivityOf(of), 1)
    case 'or':
      return 1 - predicate.of.reduce((rest, of) => rest * (1 - selectivityOf(of)), 1)
    case 'compare':
      return predicate.op === 'eq' ? EQUAL : predicate.op === 'ne' ? 1 - EQUAL : RANGE
    case 'inQuery':
    case 'exists':
      return OTHER
  }
}

function ofCondition(condition: Condition): number {
  switch (condition.op) {
    case 'eq':
      return EQUAL
    case 'ne':
      return 1 - EQUAL
    case 'in':
      return Math.min(OTHER, EQUAL * condition.operand.length)
    case 'notIn':
      return Math.max(OTHER, 1 - EQUAL * condition.operand.length)
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
    case 'between':
      return RANGE
    case 'startsWith':
    case 'contains':
    case 'like':
    case 'ilike':
    case 'regex':
      return PATTERN
    case 'exists':
      return condition.operand ? 1 - EQUAL : EQUAL
    case 'isNull':
      return condition.operand ? EQUAL : 1 - EQUAL
    case 'any':
      return RANGE
    case 'all':
    case 'none':
      return OTHER
    case 'near':
    case 'inBox':
      return EQUAL
  }
}
