/** The scalar functions of expressions: what each makes of values that are neither null nor missing. */

import type { Value } from '../base/values.ts'
import { distanceMetres } from '../columns/geo.ts'
import { isPlace } from './place.ts'
import type { ScalarFunction } from './query-data.ts'

/** Instead of a value: the arguments are of a type that the function does not take; the text says which it takes. */
export class WrongType {
  readonly expected: string
  constructor(expected: string) {
    this.expected = expected
  }
}

type Arithmetic = 'add' | 'subtract' | 'multiply' | 'divide' | 'modulo'
type Rounding = 'negate' | 'abs' | 'round' | 'floor' | 'ceil'
type Applied = (a: Value, b: Value) => Value | WrongType

const NUMBERS: WrongType = new WrongType('numbers')
const TEXT: WrongType = new WrongType('text')
const NO_DIVISION: WrongType = new WrongType('a divisor that is not 0n')
const SIZED: WrongType = new WrongType('text, an array or bytes')
const SCALARS: WrongType = new WrongType('scalars')
const PLACES: WrongType = new WrongType('places')

/** The function of one or two arguments; concat and coalesce, which take any number, are not among them. */
export function scalarFunction(fn: Exclude<ScalarFunction, 'concat' | 'coalesce'>): Applied {
  switch (fn) {
    case 'add':
    case 'subtract':
    case 'multiply':
    case 'divide':
    case 'modulo':
      return (a, b) => arithmetic(fn, a, b)
    case 'negate':
    case 'abs':
    case 'round':
    case 'floor':
    case 'ceil':
      return (a) => rounded(fn, a)
    case 'lower':
      return (a) => (typeof a === 'string' ? a.toLowerCase() : TEXT)
    case 'upper':
      return (a) => (typeof a === 'string' ? a.toUpperCase() : TEXT)
    case 'trim':
      return (a) => (typeof a === 'string' ? a.trim() : TEXT)
    case 'length':
      return lengthOf
    case 'distance':
      return (a, b) => (isPlace(a) && isPlace(b) ? distanceMetres(a, b) : PLACES)
  }
}

/** The text of a scalar in a concat: of a date its ISO form. */
export function scalarText(value: Value): string | WrongType {
  if (typeof value === 'string') return value
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? SCALARS : String(value)
}

function arithmetic(fn: Arithmetic, a: Value, b: Value): Value | WrongType {
  if (typeof a === 'bigint' && typeof b === 'bigint') return wholeArithmetic(fn, a, b)
  if ((typeof a !== 'number' && typeof a !== 'bigint') || (typeof b !== 'number' && typeof b !== 'bigint'))
    return NUMBERS
  const left = Number(a)
  const right = Number(b)
  switch (fn) {
    case 'add':
      return left + right
    case 'subtract':
      return left - right
    case 'multiply':
      return left * right
    case 'divide':
      return left / right
    case 'modulo':
      return left % right
  }
}

function wholeArithmetic(fn: Arithmetic, a: bigint, b: bigint): Value | WrongType {
  switch (fn) {
    case 'add':
      return a + b
    case 'subtract':
      return a - b
    case 'multiply':
      return a * b
    case 'divide':
      return b === 0n ? NO_DIVISION : a / b
    case 'modulo':
      return b === 0n ? NO_DIVISION : a % b
  }
}

function rounded(fn: Rounding, value: Value): Value | WrongType {
  if (typeof value === 'bigint') {
    if (fn === 'negate') return -value
    return fn === 'abs' && value < 0n ? -value : value
  }
  if (typeof value !== 'number') return NUMBERS
  switch (fn) {
    case 'negate':
      return -value
    case 'abs':
      return Math.abs(value)
    case 'round':
      return Math.round(value)
    case 'floor':
      return Math.floor(value)
    case 'ceil':
      return Math.ceil(value)
  }
}

/** Characters (code points) of text, elements of an array, bytes. */
function lengthOf(value: Value): Value | WrongType {
  if (typeof value === 'string') {
    let length = 0
    for (const _ of value) length++
    return length
  }
  return Array.isArray(value) || value instanceof Uint8Array ? value.length : SIZED
}
