/**
 * Rules that make a predicate simpler without changing what it means. Each has a name, which explain shows when it did
 * something.
 *
 *   constant folding       what no row can change is worked out once
 *   flattening             and in and, or in or, not of not
 *   repeated conditions    the same condition twice is one
 *   contradiction          conditions on one field that no value meets give no row
 */
import { compareValues, equalValues } from '../codec/order.ts'
import { compileExpression, compilePredicate } from './predicate.ts'
import { conjunctsOf, type Expression, type Predicate } from './query-data.ts'
import { samePath, samePredicate } from './same-predicate.ts'
import { type Edge, isExact, rangeOf } from './value-range.ts'
import { combine } from './where.ts'

/** Takes the names of the rules that did something. */
export type Rules = Set<string>

const NEVER: Predicate = Object.freeze({ kind: 'or', of: Object.freeze([]) })
const ALWAYS: Predicate = Object.freeze({ kind: 'and', of: Object.freeze([]) })

/** The conjuncts of a simplified predicate; `[or of nothing]` when no row can meet it. */
export function simplifiedConjuncts(where: Predicate | undefined, rules: Rules): readonly Predicate[] {
  if (where === undefined) return []
  // The commonest of all has nothing to be simplified.
  if (where.kind === 'field') return [where]
  const conjuncts = withoutRepeats(conjunctsOf(simplify(where, rules)), rules)
  if (!contradict(conjuncts)) return conjuncts
  rules.add('contradiction')
  return [NEVER]
}

/** True of the predicate that no row meets. */
export function isNever(predicate: Predicate): boolean {
  return predicate.kind === 'or' && predicate.of.length === 0
}

function simplify(predicate: Predicate, rules: Rules): Predicate {
  switch (predicate.kind) {
    case 'not':
      return negate(simplify(predicate.of, rules), rules)
    case 'and':
    case 'or':
      return flatten(predicate.kind, predicate.of, rules)
    case 'compare': {
      const left = foldExpression(predicate.left, rules)
      const right = foldExpression(predicate.right, rules)
      const folded = left === predicate.left && right === predicate.right ? predicate : { ...predicate, left, right }
      if (left.kind !== 'literal' || right.kind !== 'literal') return folded
      rules.add('constant folding')
      return compilePredicate(folded)({ id: 0 }) ? ALWAYS : NEVER
    }
    default:
      return predicate
  }
}

function negate(of: Predicate, rules: Rules): Predicate {
  if (of.kind === 'not') {
    rules.add('flattening')
    return of.of
  }
  if (isNever(of)) return ALWAYS
  return isAlways(of) ? NEVER : Object.freeze({ kind: 'not', of })
}

function flatten(kind: 'and' | 'or', of: readonly Predicate[], rules: Rules): Predicate {
  const parts: Predicate[] = []
  for (const one of of) {
    const part = simplify(one, rules)
    if (part.kind === kind) {
      if (one.kind === kind) rules.add('flattening')
      parts.push(...part.of)
    } else if (kind === 'and' ? isNever(part) : isAlways(part)) {
      rules.add('constant folding')
      return part
    } else if (kind === 'and' ? !isAlways(part) : !isNever(part)) parts.push(part)
  }
  return combine(kind, parts)
}

function isAlways(predicate: Predicate): boolean {
  return predicate.kind === 'and' && predicate.of.length === 0
}

/** An expression of constants only is a constant; what would throw is left to throw when a row is there. */
function foldExpression(expression: Expression, rules: Rules): Expression {
  if (expression.kind !== 'call') return expression
  const args = expression.args.map((arg) => foldExpression(arg, rules))
  const folded = { ...expression, args }
  if (!args.every((arg) => arg.kind === 'literal')) return folded
  try {
    const value = compileExpression(folded)({ id: 0 }) ?? null
    rules.add('constant folding')
    return Object.freeze({ kind: 'literal', value })
  } catch {
    return expression
  }
}

function withoutRepeats(conjuncts: readonly Predicate[], rules: Rules): readonly Predicate[] {
  if (conjuncts.length < 2) return conjuncts
  const once = conjuncts.filter((one, i) => !conjuncts.slice(0, i).some((before) => samePredicate(before, one)))
  if (once.length < conjuncts.length) rules.add('repeated conditions')
  return once
}

/** True when two of the conditions on one field cannot both hold. */
function contradict(conjuncts: readonly Predicate[]): boolean {
  for (let i = 1; i < conjuncts.length; i++) {
    for (let j = 0; j < i; j++) if (exclude(conjuncts[i]!, conjuncts[j]!)) return true
  }
  return false
}

function exclude(a: Predicate, b: Predicate): boolean {
  if (a.kind !== 'field' || b.kind !== 'field' || !samePath(a.path, b.path)) return false
  if (a.test.op === 'eq' && b.test.op === 'eq') return !equalValues(a.test.operand, b.test.operand)
  if (!isExact(a.test, false) || !isExact(b.test, false)) return false
  const [first, second] = [rangeOf(a.test, false), rangeOf(b.test, false)]
  if (first === undefined || second === undefined) return false
  return isBefore(first.high, second.low) || isBefore(second.high, first.low)
}

/** True when what ends at `high` ends before what begins at `low`. */
function isBefore(high: Edge | undefined, low: Edge): boolean {
  if (high === undefined) return false
  const order = compareValues(high.value, low.value)
  return order < 0 || (order === 0 && (high.open || low.open))
}
