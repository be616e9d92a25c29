/**
 * Chooses how the records of one collection are read: by id, by one of the indexes, or by scanning. Every way that can be
 * taken is costed with what the indexes estimate, the cheapest is taken, and what was said for and against each is kept
 * for explain.
 *
 * A cost of 1 is a record read by a scan. What an access path gives is filtered by all of the conjuncts that the path does
 * not prove by itself (value-range.ts knows what it does), so a path that gives too much is slow and never wrong.
 */
import type { RecordId } from '../base/ids.ts'
import type { Path, Value } from '../base/values.ts'
import { equalValues } from '../codec/order.ts'
import type { KeyBounds } from '../indexes/key-bounds.ts'
import { invalidQuery } from './capture.ts'
import { type IndexRequest, keyRanges, narrow } from './index-ranges.ts'
import { matchOrder, type OrderMatch } from './order-match.ts'
import type { Candidate, PlanNode } from './plan.ts'
import {
  BY_ID,
  type Condition,
  conjunctsOf,
  type FieldPredicate,
  type Hint,
  type OrderKey,
  type Predicate,
} from './query-data.ts'
import type { RowKey } from './row-order.ts'
import { implies, samePath, samePredicate } from './same-predicate.ts'
import { selectivityOf } from './selectivity.ts'
import type { IndexInfo, RecordSource } from './source.ts'
import { intersect, isExact, isKeyable, MAX_POINTS, pointsOf, rangeOf, type ValueRange } from './value-range.ts'
import { combine } from './where.ts'

/** A record fetched through an index or by its id, against one of a scan; a descent into a tree. */
const FETCH_COST = 1.6
const DESCENT_COST = 4
/** A comparison of a sort. */
const COMPARE_COST = 0.1
/** Above this a test before decoding, a third of the work of decoding, would not save much. */
const EARLY_SELECTIVITY = 0.4
/** Ranges asked for an estimate; of more, these stand for all. */
const MAX_ESTIMATED_RANGES = 16

/** Branches of an `or` that are each worth an index of their own. */
const MAX_BRANCHES = 16

/** A way to the records, costed. */
interface Access {
  readonly leaf: PlanNode
  /** Records it hands to the filter. */
  readonly rows: number
  /** Rows expected to pass the filter. */
  readonly matching: number
  readonly descents: number
  readonly perRow: number
  readonly isDistinct: boolean
  readonly order: OrderMatch | undefined
  /** The conjuncts that hold for every record it gives. */
  readonly proven: readonly Predicate[]
}

/** An index that cannot be taken. */
interface Refusal {
  readonly index: IndexInfo
  readonly reason: string
}

const NONE: readonly never[] = []

/** What is asked of one collection. */
export interface Question {
  readonly conjuncts: readonly Predicate[]
  /** The order the rows are wanted in; empty when any will do. */
  readonly orderBy: readonly OrderKey[]
  /** Rows after which the reading may stop, when they come in the order. */
  readonly wanted: number | undefined
  /** Only rows behind this place in the order are needed. */
  readonly after: RowKey | undefined
  readonly hint: Hint | undefined
}

/** The way that was chosen. */
export interface Chosen {
  /** The access, and above it what makes its rows distinct and tests the conjuncts that it does not prove. */
  readonly node: PlanNode
  /** The order in which the rows come, when they come in the order asked for. */
  readonly order: OrderMatch | undefined
  readonly cost: number
  readonly candidates: () => readonly Candidate[]
}

/** The cheapest way to the records, or the one that the hint asks for; INVALID_QUERY when that cannot be taken. */
export function chooseAccess(question: Question, source: RecordSource): Chosen {
  const { accesses, refused } = waysOf(question, source)
  const { hint } = question
  if (hint !== undefined) assertPossible(hint, accesses, refused)
  let chosen = accesses[0]!
  let cost = costOf(question, chosen)
  for (let i = 1; i < accesses.length; i++) {
    const other = costOf(question, accesses[i]!)
    if (other >= cost) continue
    cost = other
    chosen = accesses[i]!
  }
  return {
    node: assemble(question, chosen),
    order: chosen.order,
    cost,
    candidates: () => candidatesOf(question, source.collection, { accesses, refused }, chosen),
  }
}

interface Ways {
  readonly accesses: readonly Access[]
  readonly refused: readonly Refusal[]
}

function waysOf(question: Question, source: RecordSource): Ways {
  const { hint } = question
  const byId = hint === undefined ? accessById(question, source) : undefined
  const scan = hint?.kind === 'index' ? undefined : accessByScan(question, source)
  const accesses: Access[] = byId !== undefined ? [byId] : scan !== undefined ? [scan] : []
  const refused: Refusal[] = []
  if (hint?.kind === 'scan') return { accesses, refused }
  for (const index of source.indexes) {
    if (hint?.kind === 'index' && index.name !== hint.name) continue
    const access = accessByIndex(question, source, index)
    if (typeof access === 'string') refused.push({ index, reason: access })
    else accesses.push(access)
  }
  if (hint === undefined && source.indexes.length > 0) {
    for (const one of question.conjuncts) {
      const access = one.kind === 'or' && one.of.length > 1 ? accessByUnion(question, source, one) : undefined
      if (access !== undefined) accesses.push(access)
    }
  }
  return { accesses, refused }
}

/** Reading of several indexes, one for each branch of an `or`: a record that several find is given once. */
function accessByUnion(
  question: Question,
  source: RecordSource,
  alternatives: Extract<Predicate, { kind: 'or' }>,
): Access | undefined {
  if (alternatives.of.length > MAX_BRANCHES) return undefined
  const inputs: PlanNode[] = []
  let [rows, descents] = [0, 0]
  for (const branch of alternatives.of) {
    const best = cheapestIndex({ ...question, conjuncts: conjunctsOf(branch), orderBy: NONE, after: undefined }, source)
    if (best === undefined) return undefined
    inputs.push(best.leaf)
    rows += best.rows
    descents += best.descents
  }
  const matching = rows * restSelectivity(question.conjuncts, [alternatives])
  const leaf: PlanNode = { kind: 'concat', inputs, estimatedRows: rows }
  return { leaf, rows, matching, descents, perRow: FETCH_COST, isDistinct: false, order: undefined, proven: NONE }
}

function cheapestIndex(question: Question, source: RecordSource): Access | undefined {
  let best: Access | undefined
  for (const index of source.indexes) {
    const access = accessByIndex(question, source, index)
    if (typeof access === 'string') continue
    if (best === undefined || costOf(question, access) < costOf(question, best)) best = access
  }
  return best
}

function assertPossible(hint: Hint, accesses: readonly Access[], refused: readonly Refusal[]): void {
  if (accesses.length > 0) return
  const name = hint.kind === 'index' ? hint.name : hint.kind
  const reason = refused[0]?.reason ?? 'there is no such index, or it is not ready'
  throw invalidQuery('hint', `the index ${name} cannot be used here: ${reason}`)
}

/** What was weighed, and what could not be, with the reasons. */
function candidatesOf(
  question: Question,
  collection: string,
  { accesses, refused }: Ways,
  chosen: Access,
): readonly Candidate[] {
  const weighed = accesses.map((access): Candidate => {
    const isChosen = access === chosen
    const reason = isChosen ? 'the cheapest' : `dearer than ${nameOf(chosen)}`
    const cost = costOf(question, access)
    return { collection, access: nameOf(access), chosen: isChosen, cost, estimatedRows: access.rows, reason }
  })
  const unusable = refused.map(({ index, reason }): Candidate => {
    return {
      collection,
      access: `index ${index.name}`,
      chosen: false,
      cost: undefined,
      estimatedRows: undefined,
      reason,
    }
  })
  return [...weighed, ...unusable]
}

function nameOf({ leaf }: Access): string {
  if (leaf.kind === 'indexScan') return `index ${leaf.index.name}`
  if (leaf.kind === 'concat') return `indexes ${leaf.inputs.map((input) => nameOfLeaf(input)).join(' and ')}`
  return leaf.kind === 'get' ? 'get by id' : 'scan'
}

function nameOfLeaf(leaf: PlanNode): string {
  return leaf.kind === 'indexScan' ? leaf.index.name : leaf.kind
}

function accessByScan(question: Question, source: RecordSource): Access {
  const rows = source.rowCount()
  const { collection } = source
  const leaf: PlanNode = { kind: 'scan', collection, early: earlyOf(question.conjuncts), estimatedRows: rows }
  const matching = rows * restSelectivity(question.conjuncts, [])
  const order = undefined
  return { leaf, rows, matching, descents: 0, perRow: 1, isDistinct: true, order, proven: NONE }
}

/** The condition on a field at the top of the record that is guessed to let the fewest through. */
function earlyOf(conjuncts: readonly Predicate[]): FieldPredicate | undefined {
  let best: FieldPredicate | undefined
  let part = EARLY_SELECTIVITY
  for (const one of conjuncts) {
    if (one.kind !== 'field' || one.path.length > 1 || one.path[0] === 'id') continue
    const selectivity = selectivityOf(one)
    if (selectivity > part) continue
    part = selectivity
    best = one
  }
  return best
}

function accessById(question: Question, { collection }: RecordSource): Access | undefined {
  const stated = testsOn(question.conjuncts, BY_ID.path).find(({ test }) => test.op === 'eq' || test.op === 'in')
  if (stated === undefined) return undefined
  const { test } = stated
  const ids = idsOf(test.op === 'in' ? test.operand : [test.operand as Value])
  const rows = ids.length
  const leaf: PlanNode = { kind: 'get', collection, ids, estimatedRows: rows }
  return {
    leaf,
    rows,
    matching: rows,
    descents: 0,
    perRow: FETCH_COST,
    isDistinct: true,
    order: undefined,
    proven: [stated],
  }
}

/** The values that can be ids, each once: 5n finds the record 5, as equality says. */
export function idsOf(values: readonly Value[]): readonly RecordId[] {
  const ids = new Set<RecordId>()
  for (const value of values) {
    // At most 512 bytes of UTF-8 are at most as many UTF-16 units, and a lone surrogate has no UTF-8.
    if (typeof value === 'string' && value !== '' && value.length <= 512 && value.isWellFormed()) ids.add(value)
    const number = typeof value === 'bigint' ? Number(value) : value
    if (typeof number === 'number' && Number.isSafeInteger(number) && equalValues(number, value))
      ids.add(number === 0 ? 0 : number)
  }
  return [...ids]
}

/** The access by an index, or why there is none. */
function accessByIndex(question: Question, { collection }: RecordSource, index: IndexInfo): Access | string {
  const { conjuncts } = question
  if (index.where !== undefined && !implies(conjuncts, index.where)) {
    return 'partial: the query does not state its condition'
  }
  const used: Predicate[] = index.where === undefined ? [] : statedIn(conjuncts, index.where)
  const request = index.each ? elementRequest(conjuncts, index, used) : partsRequest(conjuncts, index, used)
  const isOrdered = question.orderBy.length > 0
  const order = isOrdered ? matchOrder(index, question.orderBy, (path) => fixedValue(conjuncts, path)) : undefined
  const isBounded = request.points.length > 0 || request.range !== undefined
  if (!isBounded && index.each) return 'no condition any on its array'
  if (!isBounded && index.where === undefined && order === undefined) return 'no condition or order on its first part'
  const ranges = pageRanges(question, index, keyRanges(index, request), order)
  const rows = estimateRanges(index, ranges)
  const proven = used.filter((one) => isProven(one, index))
  return {
    leaf: {
      kind: 'indexScan',
      collection,
      index,
      ranges,
      reverse: order?.reverse ?? false,
      proven,
      estimatedRows: rows,
    },
    rows,
    matching: rows * restSelectivity(conjuncts, used),
    descents: ranges.length,
    perRow: FETCH_COST,
    isDistinct: !index.each || (ranges.length <= 1 && request.points[0]?.length === 1),
    order,
    proven,
  }
}

/** True when every record with an entry in the ranges that `one` was used for satisfies it. */
function isProven(one: Predicate, index: IndexInfo): boolean {
  if (index.where !== undefined && conjunctsOf(index.where).some((other) => samePredicate(one, other))) return true
  if (one.kind !== 'field') return false
  const { test } = one
  if (!index.each) return isExact(test, index.nocase)
  // Of several conditions on one element the ranges may say less than that one element meets all of them.
  return test.op === 'any' && test.operand.length === 1 && isExact(test.operand[0]!, index.nocase)
}

/** The conjuncts of the query that are the condition of a partial index. */
function statedIn(conjuncts: readonly Predicate[], where: Predicate): Predicate[] {
  const wanted = conjunctsOf(where)
  return conjuncts.filter((one) => wanted.some((other) => samePredicate(one, other)))
}

/** What the query says about the index's parts, from the left; notes in `used` what the ranges will express. */
function partsRequest(conjuncts: readonly Predicate[], index: IndexInfo, used: Predicate[]): IndexRequest {
  const points: (readonly (Value | undefined)[])[] = []
  let combinations = 1
  for (const { path } of index.parts) {
    const tests = testsOn(conjuncts, path)
    if (tests.length === 0) break
    const conditions = tests.map((one) => one.test)
    const pointed = bestPoints(conditions, index.nocase)
    if (pointed === undefined || combinations * pointed.values.length > MAX_POINTS) {
      const range = rangeOfAll(conditions, index.nocase)
      used.push(...tests.filter((one) => rangeOf(one.test, index.nocase) !== undefined))
      return { points, range }
    }
    combinations *= pointed.values.length
    points.push(pointed.values)
    used.push(tests[pointed.at]!)
  }
  return { points, range: undefined }
}

/** What the query says about some element of the array of an `each` index. */
function elementRequest(conjuncts: readonly Predicate[], index: IndexInfo, used: Predicate[]): IndexRequest {
  const path = index.parts[0]!.path
  for (const one of conjuncts) {
    if (one.kind !== 'field' || one.test.op !== 'any' || !samePath(one.path, path)) continue
    const pointed = bestPoints(one.test.operand, index.nocase)
    const range = pointed === undefined ? rangeOfAll(one.test.operand, index.nocase) : undefined
    if (pointed === undefined && range === undefined) continue
    used.push(one)
    return { points: pointed === undefined ? [] : [pointed.values], range }
  }
  return { points: [], range: undefined }
}

/** The shortest list of values that one of the conditions admits. */
function bestPoints(
  conditions: readonly Condition[],
  nocase: boolean,
): { readonly values: readonly (Value | undefined)[]; readonly at: number } | undefined {
  let best: { readonly values: readonly (Value | undefined)[]; readonly at: number } | undefined
  for (let at = 0; at < conditions.length; at++) {
    const values = pointsOf(conditions[at]!, nocase)
    if (values !== undefined && (best === undefined || values.length < best.values.length)) best = { values, at }
  }
  return best
}

function rangeOfAll(conditions: readonly Condition[], nocase: boolean): ValueRange | undefined {
  let all: ValueRange | undefined
  for (const condition of conditions) {
    const range = rangeOf(condition, nocase)
    if (range !== undefined) all = all === undefined ? range : intersect(all, range)
  }
  return all
}

function testsOn(conjuncts: readonly Predicate[], path: Path): readonly FieldPredicate[] {
  let tests: FieldPredicate[] | undefined
  for (const one of conjuncts) {
    if (one.kind !== 'field' || !samePath(one.path, path)) continue
    if (tests === undefined) tests = [one]
    else tests.push(one)
  }
  return tests ?? NONE
}

function fixedValue(conjuncts: readonly Predicate[], path: Path): { readonly value: Value } | undefined {
  for (const { test } of testsOn(conjuncts, path)) if (test.op === 'eq') return { value: test.operand }
  return undefined
}

/** The ranges that are left behind the place where an earlier page ended. */
function pageRanges(
  { after }: Question,
  index: IndexInfo,
  ranges: readonly KeyBounds[],
  order: OrderMatch | undefined,
): readonly KeyBounds[] {
  if (after === undefined || order === undefined) return ranges
  const values = order.parts.map((part) => ('key' in part ? after.keys[part.key] : part.value))
  return values.every((value) => isKeyable(value, index.nocase)) ? narrow(ranges, index, values, order.reverse) : ranges
}

function estimateRanges(index: IndexInfo, ranges: readonly KeyBounds[]): number {
  const asked = Math.min(ranges.length, MAX_ESTIMATED_RANGES)
  let rows = 0
  for (let i = 0; i < asked; i++) rows += index.estimate(ranges[i]!)
  return asked === 0 ? 0 : (rows * ranges.length) / asked
}

/** How much of the access's rows the conditions that it does not express let through. */
function restSelectivity(conjuncts: readonly Predicate[], used: readonly Predicate[]): number {
  let part = 1
  for (const one of conjuncts) if (!used.includes(one)) part *= selectivityOf(one)
  return part
}

function costOf({ orderBy, wanted = Number.POSITIVE_INFINITY }: Question, access: Access): number {
  const { rows, matching, descents, perRow } = access
  const isSorted = orderBy.length === 0 || access.order !== undefined
  // Rows that come in order, or in any, need to be read only until there are enough.
  const part = isSorted ? Math.min(1, wanted / Math.max(1, matching)) : 1
  const sort = isSorted ? 0 : matching * COMPARE_COST * Math.log2(2 + Math.min(matching, wanted))
  return descents * DESCENT_COST + rows * part * perRow + sort
}

/** Puts the operators that make it right above the access. */
function assemble({ conjuncts }: Question, access: Access): PlanNode {
  const matching = Math.min(access.rows, access.matching)
  let node = access.leaf
  if (!access.isDistinct) node = { kind: 'distinct', input: node, estimatedRows: access.rows }
  const rest = conjuncts.filter((one) => !access.proven.includes(one))
  if (rest.length === 0) return node
  return { kind: 'filter', where: combine('and', rest), subplans: NONE, input: node, estimatedRows: matching }
}
