/** Whether two predicates are the same, written the same way: how a partial index knows that a query implies it. */
import type { Value } from '../base/values.ts'
import { equalValues } from '../codec/order.ts'
import type { Condition, Predicate } from './query-data.ts'
import { conjunctsOf } from './query-data.ts'

/** True when every conjunct of `wanted` is among the query's: then every record of the query satisfies it. */
export function implies(conjuncts: readonly Predicate[], wanted: Predicate): boolean {
  return conjunctsOf(wanted).every((one) => conjuncts.some((other) => samePredicate(one, other)))
}

export function samePredicate(a: Predicate, b: Predicate): boolean {
  if (a.kind === 'field') return b.kind === 'field' && samePath(a.path, b.path) && sameCondition(a.test, b.test)
  if (a.kind === 'not') return b.kind === 'not' && samePredicate(a.of, b.of)
  // What refers to other values or rows is the same only when it is the same object: no index is made of it.
  if (a.kind !== 'and' && a.kind !== 'or') return a === b
  return b.kind === a.kind && a.of.length === b.of.length && a.of.every((part, i) => samePredicate(part, b.of[i]!))
}

export function samePath(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

function sameCondition(a: Condition, b: Condition): boolean {
  if (a.op === 'any' || a.op === 'all' || a.op === 'none') {
    if (b.op !== a.op) return false
    // The check of `op` says that b is an element condition too; a union of unions is more than narrowing follows.
    const others = b.operand as readonly Condition[]
    return a.operand.length === others.length && a.operand.every((test, i) => sameCondition(test, others[i]!))
  }
  // Every other operand is a value (a regex is an object of two strings).
  return a.op === b.op && equalValues(a.operand as Value, b.operand as Value)
}
