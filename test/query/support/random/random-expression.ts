/** Random expressions whose kind is known, so that no value of a wrong type can come about. */
import type { Value } from '../../../../src/base/values.ts'
import type { BinUnit, Expression, ScalarFunction } from '../../../../src/query/query-data.ts'
import { type Context, comparable, has, ofKind } from './context.ts'
import { isLikely, pick, pickWeighted, several } from './draw.ts'
import { randomPredicate } from './random-predicate.ts'
import type { Column, Kind, Shape } from './world.ts'

export interface Typed {
  readonly value: Expression
  readonly kind: Kind
  readonly pool: readonly Value[]
}

const NUMBERS: readonly Value[] = [0, 1, 2, 3, 4, 6, 2.5]
const ANY_UNITS: readonly BinUnit[] = ['second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year']
/** Where a wall clock shows no time twice that matters. */
const LONG_UNITS: readonly BinUnit[] = ['day', 'week', 'month', 'quarter', 'year']
const TIME_ZONES = ['UTC', 'UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'America/Sao_Paulo']

export function randomExpression(context: Context, shape: Shape, depth: number): Typed {
  const { draw } = context
  const numbers = ofKind(shape, 'int', 'float')
  const texts = ofKind(shape, 'string')
  const kind = pickWeighted(draw, [
    [4, 'path'],
    [numbers.length > 0 ? 8 : 0, 'number'],
    [ofKind(shape, 'bigint').length > 0 ? 2 : 0, 'bigint'],
    [texts.length > 0 ? 5 : 0, 'text'],
    [depth > 0 ? 3 : 0, 'case'],
    [2, 'coalesce'],
    [ofKind(shape, 'date').length > 0 && has(context, 'bin') ? 4 : 0, 'bin'],
    [ofKind(shape, 'array').length > 0 ? 1 : 0, 'length'],
    [ofKind(shape, 'place').length > 0 && has(context, 'distance') ? 1 : 0, 'distance'],
  ] as const)
  switch (kind) {
    case 'path':
      return typed(pick(draw, comparable(shape)))
    case 'number':
      return randomNumber(context, numbers, depth)
    case 'bigint': {
      const column = typed(pick(draw, ofKind(shape, 'bigint')))
      const fn = pick<ScalarFunction>(draw, ['add', 'subtract', 'multiply', 'divide', 'modulo'])
      return { ...column, value: called(fn, column.value, { kind: 'literal', value: pick(draw, [1n, 2n, -7n]) }) }
    }
    case 'text':
      return randomText(context, texts, shape)
    case 'case': {
      const column = pick(draw, comparable(shape))
      const value = (): Expression =>
        isLikely(draw, 50) ? typed(column).value : { kind: 'literal', value: pick(draw, column.pool) }
      const branches = several(draw, 1, 2, () => ({
        when: randomPredicate({ ...context, depth: 0 }, shape, 1),
        value: value(),
      }))
      return { ...typed(column), value: { kind: 'case', branches, otherwise: value() } }
    }
    case 'coalesce': {
      const column = pick(draw, comparable(shape))
      const peers = ofKind(shape, column.kind)
      const args = [typed(column).value, typed(pick(draw, peers)).value]
      if (isLikely(draw, 50)) args.push({ kind: 'literal', value: pick(draw, column.pool) })
      return { ...typed(column), value: called('coalesce', ...args) }
    }
    case 'bin':
      return randomBin(context, pick(draw, ofKind(shape, 'date')))
    case 'length':
      // Of strings it is left to the tests that say in what.
      return { kind: 'int', pool: NUMBERS, value: called(kind, typed(pick(draw, ofKind(shape, 'array'))).value) }
    case 'distance': {
      const column = pick(draw, ofKind(shape, 'place'))
      const to: Expression = { kind: 'literal', value: { lat: 50, lng: 8 } }
      return { kind: 'inexact', pool: [0], value: called('distance', typed(column).value, to) }
    }
  }
}

export function typed({ path, kind, pool }: Column): Typed {
  return { kind, pool, value: { kind: 'path', path } }
}

function called(fn: ScalarFunction, ...args: readonly Expression[]): Expression {
  return { kind: 'call', fn, args }
}

function randomNumber(context: Context, columns: Shape, depth: number): Typed {
  const { draw } = context
  const one = typed(pick(draw, columns))
  const fn = pick<ScalarFunction>(draw, [
    ...(['add', 'subtract', 'multiply', 'add', 'subtract', 'multiply', 'divide', 'modulo'] as const),
    ...(['negate', 'abs', 'round', 'floor', 'ceil'] as const),
  ])
  switch (fn) {
    case 'divide':
    case 'modulo': {
      // Of no literal 0, so that neither NaN nor an infinity gets into sums.
      const value = called(fn, one.value, { kind: 'literal', value: pick(draw, [2, 3, -7]) })
      return { kind: fn === 'divide' ? 'quotient' : one.kind, pool: NUMBERS, value }
    }
    case 'add':
    case 'subtract':
    case 'multiply': {
      const other: Typed = pickWeighted(draw, [
        [3, typed(pick(draw, columns))],
        [2, { kind: 'int', pool: NUMBERS, value: { kind: 'literal', value: pick(draw, [0, 1, 2, 10]) } }],
        [depth > 0 ? 1 : 0, randomNumberOf(context, columns, depth)],
      ] as const)
      const kind = one.kind === 'float' || other.kind === 'float' ? 'float' : 'int'
      return { kind, pool: NUMBERS, value: called(fn, one.value, other.value) }
    }
    case 'round':
      // Halves below zero are left to the tests that say where they go.
      return { kind: one.kind, pool: NUMBERS, value: called(fn, called('abs', one.value)) }
    default:
      return { kind: one.kind, pool: NUMBERS, value: called(fn, one.value) }
  }
}

/** One that can be added up; the bound on its depth keeps products within 53 bits. */
function randomNumberOf(context: Context, columns: Shape, depth: number): Typed {
  const made = depth > 0 ? randomNumber(context, columns, depth - 1) : typed(pick(context.draw, columns))
  return made.kind === 'quotient' ? typed(pick(context.draw, columns)) : made
}

function randomText(context: Context, texts: Shape, shape: Shape): Typed {
  const { draw } = context
  const one = typed(pick(draw, texts))
  const fn = pick<ScalarFunction>(
    draw,
    has(context, 'unicode') ? ['lower', 'upper', 'trim', 'concat'] : ['trim', 'concat'],
  )
  if (fn !== 'concat') return { ...one, value: called(fn, one.value) }
  const separator: Expression = { kind: 'literal', value: pick(draw, ['', '-']) }
  return { ...one, value: called(fn, one.value, separator, typed(pick(draw, ofKind(shape, 'string', 'int'))).value) }
}

function randomBin({ draw }: Context, column: Column): Typed {
  const timeZone = pick(draw, TIME_ZONES)
  const unit = pick(draw, timeZone === 'UTC' ? ANY_UNITS : LONG_UNITS)
  const step = isLikely(draw, 75) ? 1 : pick(draw, [2, 3, 10])
  return { ...typed(column), value: { kind: 'bin', of: typed(column).value, unit, step, timeZone } }
}
