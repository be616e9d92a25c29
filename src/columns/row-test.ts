/**
 * From a `ColumnTest` to what a kernel can do with it. Every leaf becomes one of three things:
 *
 *   table     a byte by code: for coded columns, for presence (a tag is a code), and for everything through a join,
 *             where the code is that of the foreign key
 *   compare   one comparison of float64, false for NaN, which stands wherever there is no number
 *   call      a function of the slot: what a number or vector column cannot say otherwise
 *
 * The same tree is read twice: `testSource` writes it as an expression that is 0 or 1, `testFunction` makes closures.
 */
import type { Value } from '../base/values.ts'
import { compareValues, TYPE_CLASS, typeClass } from '../codec/order.ts'
import {
  type CodedColumn,
  type Codes,
  type Column,
  type ColumnTest,
  type Join,
  MISSING,
  NULL,
  type NumberColumn,
  PRESENT,
  type VectorColumn,
} from './column.ts'
import type { Bindings } from './generate.ts'

type Comparison = 'lt' | 'lte' | 'gt' | 'gte' | 'eq'

/** `missing` says what a row is whose value is missing: for rows of a left join without partner, and dead slots. */
export type RowTest =
  | { readonly kind: 'constant'; readonly result: boolean }
  | {
      readonly kind: 'table'
      readonly codes: Codes | Int32Array
      readonly table: Uint8Array
      readonly missing: boolean
    }
  | { readonly kind: 'compare'; readonly column: NumberColumn; readonly op: Comparison; readonly operand: number }
  | { readonly kind: 'call'; readonly call: (slot: number) => boolean; readonly missing: boolean }
  | { readonly kind: 'and' | 'or'; readonly of: readonly RowTest[] }
  | { readonly kind: 'not'; readonly of: RowTest }

type TableTest = Extract<RowTest, { kind: 'table' }>

const TRUE: RowTest = { kind: 'constant', result: true }
const FALSE: RowTest = { kind: 'constant', result: false }

/** The table of codes that are the answer themselves. */
export const BYTE_ITSELF: Uint8Array = Uint8Array.of(0, 1)

const OPERATORS = { lt: '<', lte: '<=', gt: '>', gte: '>=', eq: '===' } as const

/** The tree of a test, with what is known beforehand folded. */
export function resolveTest(test: ColumnTest | undefined): RowTest {
  if (test === undefined) return TRUE
  switch (test.kind) {
    case 'and':
    case 'or':
      return joinTests(test.kind, test.of.map(resolveTest))
    case 'not':
      return notTest(resolveTest(test.of))
    case 'joins':
      return {
        kind: 'table',
        codes: test.via.codes,
        table: partnered(test.via.slotOf),
        missing: false,
      }
    case 'slot':
      return { kind: 'call', call: test.passes, missing: test.missing }
    default: {
      const own = resolveLeaf(test.ref.column, test)
      return test.ref.via === undefined ? own : throughJoin(own, test.ref.via)
    }
  }
}

/** 1 by code where the code leads to a slot. A loop: ten times as fast as `from`. */
function partnered(slotOf: Int32Array): Uint8Array {
  const table = new Uint8Array(slotOf.length)
  for (let code = 0; code < slotOf.length; code++) table[code] = slotOf[code]! >= 0 ? 1 : 0
  return table
}

/** True for both parts, or for one of them. */
export function joinTests(kind: 'and' | 'or', of: readonly RowTest[]): RowTest {
  const deciding = kind === 'or'
  if (of.some((one) => one.kind === 'constant' && one.result === deciding)) return deciding ? TRUE : FALSE
  const open = of.filter((one) => one.kind !== 'constant').flatMap((one) => (one.kind === kind ? one.of : [one]))
  if (open.length === 0) return deciding ? FALSE : TRUE
  const merged = mergedTables(kind, open)
  return merged.length === 1 ? merged[0]! : { kind, of: merged }
}

/** Tests of one array of codes, a range's two ends for instance, as one table. */
function mergedTables(kind: 'and' | 'or', of: readonly RowTest[]): readonly RowTest[] {
  const merged: RowTest[] = []
  for (const one of of) {
    const at =
      one.kind === 'table' ? merged.findIndex((other) => other.kind === 'table' && other.codes === one.codes) : -1
    const other = merged[at]
    if (one.kind === 'table' && other?.kind === 'table' && other.table.length === one.table.length) {
      merged[at] = mergedTable(kind, other, one)
    } else merged.push(one)
  }
  return merged
}

function mergedTable(kind: 'and' | 'or', a: TableTest, b: TableTest): TableTest {
  const table = new Uint8Array(a.table.length)
  const isAnd = kind === 'and'
  for (let code = 0; code < table.length; code++) {
    table[code] = isAnd ? a.table[code]! & b.table[code]! : a.table[code]! | b.table[code]!
  }
  return { ...a, table, missing: isAnd ? a.missing && b.missing : a.missing || b.missing }
}

function notTest(test: RowTest): RowTest {
  if (test.kind === 'constant') return test.result ? FALSE : TRUE
  if (test.kind === 'not') return test.of
  if (test.kind === 'table') return { ...test, table: complement(test.table), missing: !test.missing }
  return { kind: 'not', of: test }
}

function complement(table: Uint8Array): Uint8Array {
  const other = new Uint8Array(table.length)
  for (let code = 0; code < table.length; code++) other[code] = table[code]! ^ 1
  return other
}

type Leaf = Extract<ColumnTest, { ref: unknown }>

function resolveLeaf(column: Column, leaf: Leaf): RowTest {
  if (leaf.kind === 'presence') return presenceTest(column, leaf)
  if (column.kind === 'coded') return codedTest(column, leaf)
  if (column.kind === 'vector') return callTest((slot) => vectorAt(column, slot), valueTest(leaf))
  return numberTest(column, leaf)
}

function presenceTest(column: Column, leaf: Extract<Leaf, { kind: 'presence' }>): RowTest {
  const coded = column.kind === 'coded'
  const table = new Uint8Array(coded ? column.dictionary.size : PRESENT + 1).fill(Number(leaf.present))
  table[MISSING] = Number(leaf.missing)
  table[NULL] = Number(leaf.null)
  return { kind: 'table', codes: coded ? column.codes : column.tags, table, missing: leaf.missing }
}

function codedTest({ codes, dictionary }: CodedColumn, leaf: Exclude<Leaf, { kind: 'presence' }>): RowTest {
  const { values } = dictionary
  const table = new Uint8Array(values.length)
  if (leaf.kind === 'compare' && (leaf.op === 'eq' || leaf.op === 'ne')) {
    const code = dictionary.find(leaf.operand)
    if (code >= 0) table[code] = 1
    const equal: RowTest = { kind: 'table', codes, table, missing: false }
    return leaf.op === 'eq' ? equal : notTest(equal)
  }
  const accepts = valueTest(leaf)
  for (let code = 0; code < values.length; code++) table[code] = accepts(values[code]) ? 1 : 0
  return { kind: 'table', codes, table, missing: table[MISSING] === 1 }
}

function callTest(
  valueAt: (slot: number) => Value | undefined,
  accepts: (value: Value | undefined) => boolean,
): RowTest {
  return { kind: 'call', call: (slot) => accepts(valueAt(slot)), missing: accepts(undefined) }
}

/** A test of a number column: comparisons where the operand has the column's class and is a float64. */
function numberTest(column: NumberColumn, leaf: Exclude<Leaf, { kind: 'presence' }>): RowTest {
  if (leaf.kind === 'accepts') return callTest((slot) => numberAt(column, slot), leaf.accepts)
  if (leaf.kind === 'between') {
    const from = { kind: 'compare', ref: leaf.ref, op: 'gte', operand: leaf.low } as const
    const to = { kind: 'compare', ref: leaf.ref, op: 'lte', operand: leaf.high } as const
    return joinTests('and', [numberTest(column, from), numberTest(column, to)])
  }
  if (leaf.op === 'ne') return notTest(numberTest(column, { ...leaf, op: 'eq' }))
  const { op, operand } = leaf
  const type = typeClass(operand)
  const ownType = column.isDate ? TYPE_CLASS.date : TYPE_CLASS.number
  const isNothing = type === TYPE_CLASS.null && op === 'eq'
  if (isNothing || typeof operand === 'bigint' || Number.isNaN(operand)) {
    return callTest((slot) => numberAt(column, slot), valueTest(leaf))
  }
  if (type !== ownType) return FALSE
  return { kind: 'compare', column, op, operand: Number(operand) }
}

/** What a test of one value says, for values of every class. */
function valueTest(leaf: Exclude<Leaf, { kind: 'presence' }>): (value: Value | undefined) => boolean {
  switch (leaf.kind) {
    case 'accepts':
      return leaf.accepts
    case 'between': {
      const from = comparisonTest('gte', leaf.low)
      const to = comparisonTest('lte', leaf.high)
      return (value) => from(value) && to(value)
    }
    case 'compare':
      return comparisonTest(leaf.op, leaf.operand)
  }
}

function comparisonTest(op: Comparison | 'ne', operand: Value): (value: Value | undefined) => boolean {
  const type = typeClass(operand)
  if (op === 'eq') return (value) => value !== undefined && compareValues(value, operand) === 0
  if (op === 'ne') return (value) => value === undefined || compareValues(value, operand) !== 0
  // Null and missing are in no order, NaN is in none either.
  if (type === TYPE_CLASS.null || Number.isNaN(operand)) return () => false
  const within = (value: Value | undefined): boolean => typeClass(value) === type && !Number.isNaN(value)
  switch (op) {
    case 'lt':
      return (value) => within(value) && compareValues(value, operand) < 0
    case 'lte':
      return (value) => within(value) && compareValues(value, operand) <= 0
    case 'gt':
      return (value) => within(value) && compareValues(value, operand) > 0
    case 'gte':
      return (value) => within(value) && compareValues(value, operand) >= 0
  }
}

/** A test of the other side as a table by the codes of the foreign key. */
function throughJoin(own: RowTest, via: Join): RowTest {
  const passes = testFunction(own)
  const missing = missingResult(own)
  const { slotOf } = via
  const table = new Uint8Array(slotOf.length)
  for (let code = 0; code < slotOf.length; code++) {
    const slot = slotOf[code]!
    table[code] = (slot >= 0 ? passes(slot) : missing) ? 1 : 0
  }
  return { kind: 'table', codes: via.codes, table, missing }
}

/** The value of a slot. */
export function columnValue(column: Column, slot: number): Value | undefined {
  switch (column.kind) {
    case 'coded':
      return column.dictionary.values[column.codes[slot]!]
    case 'number':
      return numberAt(column, slot)
    case 'vector':
      return vectorAt(column, slot)
  }
}

function numberAt(column: NumberColumn, slot: number): Value | undefined {
  const tag = column.tags[slot]!
  if (tag !== PRESENT) return tag === NULL ? null : undefined
  return column.isDate ? new Date(column.values[slot]!) : column.values[slot]!
}

/** A view into the column. */
function vectorAt(column: VectorColumn, slot: number): Value | undefined {
  const tag = column.tags[slot]!
  if (tag !== PRESENT) return tag === NULL ? null : undefined
  return column.vectors.subarray(slot * column.dimension, (slot + 1) * column.dimension)
}

/** What a test says of a row in which everything is missing. */
export function missingResult(test: RowTest): boolean {
  switch (test.kind) {
    case 'constant':
      return test.result
    case 'compare':
      return false
    case 'table':
    case 'call':
      return test.missing
    case 'and':
      return test.of.every(missingResult)
    case 'or':
      return test.of.some(missingResult)
    case 'not':
      return !missingResult(test.of)
  }
}

/** The interpreted form. */
export function testFunction(test: RowTest): (slot: number) => boolean {
  switch (test.kind) {
    case 'constant': {
      const { result } = test
      return () => result
    }
    case 'table': {
      const { codes, table } = test
      return (slot) => table[codes[slot]!] === 1
    }
    case 'compare':
      return compareFunction(test.column.values, test.op, test.operand)
    case 'call':
      return test.call
    case 'not': {
      const of = testFunction(test.of)
      return (slot) => !of(slot)
    }
    case 'and': {
      const of = test.of.map(testFunction)
      return (slot) => {
        for (let i = 0; i < of.length; i++) if (!of[i]!(slot)) return false
        return true
      }
    }
    case 'or': {
      const of = test.of.map(testFunction)
      return (slot) => {
        for (let i = 0; i < of.length; i++) if (of[i]!(slot)) return true
        return false
      }
    }
  }
}

function compareFunction(values: Float64Array, op: Comparison, operand: number): (slot: number) => boolean {
  switch (op) {
    case 'lt':
      return (slot) => values[slot]! < operand
    case 'lte':
      return (slot) => values[slot]! <= operand
    case 'gt':
      return (slot) => values[slot]! > operand
    case 'gte':
      return (slot) => values[slot]! >= operand
    case 'eq':
      return (slot) => values[slot] === operand
  }
}

/** The generated form: an expression of the slot `i` that is 0 or 1. Calls come last, and only when they decide. */
export function testSource(test: RowTest, b: Bindings): string {
  switch (test.kind) {
    case 'constant':
      return test.result ? '1' : '0'
    case 'table':
      if (test.table === BYTE_ITSELF) return `${b.nameOf(test.codes)}[i]`
      return `${b.nameOf(test.table)}[${b.nameOf(test.codes)}[i]]`
    case 'compare':
      // Without a branch: five times as fast as `? 1 : 0` where half of the rows pass.
      return `+(${b.nameOf(test.column.values)}[i] ${OPERATORS[test.op]} ${b.nameOf(test.operand)})`
    case 'call':
      return `(${b.nameOf(test.call)}(i) ? 1 : 0)`
    case 'not':
      return `(1 ^ ${testSource(test.of, b)})`
    case 'and':
    case 'or': {
      const cheap = test.of.filter((one) => !hasCall(one)).map((one) => testSource(one, b))
      const dear = test.of.filter(hasCall).map((one) => testSource(one, b))
      const first = cheap.length === 0 ? [] : [`(${cheap.join(test.kind === 'and' ? ' & ' : ' | ')})`]
      const parts = [...first, ...dear]
      if (parts.length === 1) return parts[0]!
      return `(${parts.map((part) => `${part} === 1`).join(test.kind === 'and' ? ' && ' : ' || ')} ? 1 : 0)`
    }
  }
}

/** True when a test of one row may be dear. */
export function hasCall(test: RowTest): boolean {
  switch (test.kind) {
    case 'call':
      return true
    case 'and':
    case 'or':
      return test.of.some(hasCall)
    case 'not':
      return hasCall(test.of)
    default:
      return false
  }
}
