/** Values made of rows. */
import { valueAt } from '../../../../src/base/path.ts'
import type { Value } from '../../../../src/base/values.ts'
import type { Expression, ScalarFunction } from '../../../../src/query/query-data.ts'
import { beginningOfBin } from './bin.ts'
import { placeIn, sphereMeters } from './place.ts'
import { holds } from './predicate.ts'
import { type Row, type Scope, wrongType } from './scope.ts'

export function resultOf(expression: Expression, row: Row, scope: Scope): Value | undefined {
  switch (expression.kind) {
    case 'path':
      return valueAt(row, expression.path)
    case 'literal':
      return expression.value
    case 'outer':
      return valueAt(scope.outer!, expression.path)
    case 'case': {
      const branch = expression.branches.find(({ when }) => holds(when, row, scope))
      return resultOf(branch === undefined ? expression.otherwise : branch.value, row, scope)
    }
    case 'bin': {
      const value = resultOf(expression.of, row, scope)
      if (value === undefined || value === null) return null
      if (!(value instanceof Date)) throw wrongType(row, 'bin takes dates')
      return new Date(beginningOfBin(value.getTime(), expression.unit, expression.step, expression.timeZone))
    }
    case 'call': {
      const values = expression.args.map((argument) => resultOf(argument, row, scope))
      if (expression.fn === 'coalesce') return values.find((value) => value !== undefined && value !== null) ?? null
      const present = values.filter((value) => value !== undefined && value !== null)
      if (present.length < values.length) return null
      return call(expression.fn, present, row)
    }
  }
}

function call(fn: Exclude<ScalarFunction, 'coalesce'>, values: readonly Value[], row: Row): Value {
  const [first, second] = values
  switch (fn) {
    case 'add':
    case 'subtract':
    case 'multiply':
    case 'divide':
    case 'modulo':
      return values.reduce((a, b) => arithmetic(fn, a, b, row))
    case 'negate':
    case 'abs':
    case 'round':
    case 'floor':
    case 'ceil':
      return ofOneNumber(fn, first!, row)
    case 'concat':
      return values.map((value) => textOf(value, row)).join('')
    case 'lower':
    case 'upper':
    case 'trim': {
      if (typeof first !== 'string') throw wrongType(row, `${fn} takes a string`)
      return fn === 'lower' ? first.toLowerCase() : fn === 'upper' ? first.toUpperCase() : first.trim()
    }
    case 'length':
      if (typeof first === 'string') return [...first].length
      if (Array.isArray(first) || first instanceof Uint8Array) return first.length
      throw wrongType(row, 'length takes strings, arrays and bytes')
    case 'distance': {
      const from = placeIn(first)
      const to = placeIn(second)
      if (from === undefined || to === undefined) throw wrongType(row, 'distance takes places')
      return sphereMeters(from, to)
    }
  }
}

function arithmetic(fn: ScalarFunction, left: Value, right: Value, row: Row): number | bigint {
  if (typeof left === 'bigint' && typeof right === 'bigint') {
    if (fn === 'add') return left + right
    if (fn === 'subtract') return left - right
    if (fn === 'multiply') return left * right
    if (right === 0n) throw wrongType(row, 'there is no division by 0n')
    return fn === 'divide' ? left / right : left % right
  }
  const a = float(left, fn, row)
  const b = float(right, fn, row)
  if (fn === 'add') return a + b
  if (fn === 'subtract') return a - b
  if (fn === 'multiply') return a * b
  return fn === 'divide' ? a / b : a % b
}

function ofOneNumber(fn: ScalarFunction, value: Value, row: Row): number | bigint {
  if (typeof value === 'bigint') {
    if (fn === 'negate') return -value
    return fn === 'abs' && value < 0n ? -value : value
  }
  const number = float(value, fn, row)
  if (fn === 'negate') return -number
  if (fn === 'abs') return Math.abs(number)
  if (fn === 'round') return Math.round(number)
  return fn === 'floor' ? Math.floor(number) : Math.ceil(number)
}

function float(value: Value, fn: ScalarFunction, row: Row): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  throw wrongType(row, `${fn} takes numbers`)
}

function textOf(value: Value, row: Row): string {
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'object') throw wrongType(row, 'concat takes scalars')
  return String(value)
}
