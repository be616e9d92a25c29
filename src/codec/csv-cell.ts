/**
 * Values as cells of CSV. A column has a type, which its header names after a colon (`votes:number`), and a cell is the
 * value's own text. What the text of a type cannot say begins with a backslash, so that every stored value comes back
 * exactly, also from tools that quote cells their own way:
 *
 *   empty     no such field                \N        null                  \E        the empty string
 *   \\…       a string that begins with a backslash: the rest is the string, its first backslash included
 *   \J…       a value of another kind than the column's: its JSON form (json-form.ts)
 *
 *   string    the text          number   as JavaScript writes it, also -0, NaN, Infinity
 *   bigint    digits            boolean  true, false
 *   date      ISO 8601 in UTC   json     the JSON form: objects, arrays, bytes, vectors
 *
 * Cells of files from elsewhere are read by `readForeignCell`: no backslash means anything there, an empty cell is what
 * the caller says, and what is no value of the column's type is refused, never guessed.
 */
import type { Value } from '../base/values.ts'
import { fromJsonForm, toJsonForm } from './json-form.ts'

export type CellType = 'string' | 'number' | 'bigint' | 'boolean' | 'date' | 'json'

export const CELL_TYPES: readonly CellType[] = ['string', 'number', 'bigint', 'boolean', 'date', 'json']

/** Why a cell cannot be read. */
export class CellFault extends Error {
  override readonly name = 'CellFault'
}

/** The type of a column that holds nothing but such values; undefined for null, which every column holds. */
export function cellTypeOf(value: Value): CellType | undefined {
  switch (typeof value) {
    case 'string':
      // A lone surrogate has no UTF-8.
      return value.isWellFormed() ? 'string' : 'json'
    case 'number':
    case 'bigint':
    case 'boolean':
      return typeof value as 'number' | 'bigint' | 'boolean'
    default:
      if (value === null) return undefined
      return value instanceof Date ? 'date' : 'json'
  }
}

export function writeCell(value: Value | undefined, type: CellType): string {
  if (value === undefined) return ''
  if (value === null) return '\\N'
  if (type === 'json') return jsonText(value)
  if (cellTypeOf(value) !== type) return `\\J${jsonText(value)}`
  if (typeof value === 'string') return value === '' ? '\\E' : value.startsWith('\\') ? `\\${value}` : value
  if (value instanceof Date) return value.toISOString()
  return Object.is(value, -0) ? '-0' : String(value)
}

/** The value of a cell that `writeCell` wrote; undefined: no such field. Throws CellFault. */
export function readCell(text: string, type: CellType): Value | undefined {
  if (text === '') return undefined
  if (!text.startsWith('\\')) return parsed(text, type)
  if (text === '\\N') return null
  if (text === '\\E') return ''
  if (text.startsWith('\\J')) return parsed(text.slice(2), 'json')
  if (text.startsWith('\\\\')) return text.slice(1)
  throw new CellFault(`${shown(text)} begins with a backslash, after which only N, E, J and another one mean something`)
}

/** What an empty cell of a file from elsewhere is. */
export type EmptyCell = 'missing' | 'null' | 'string'

/** The value of a cell of a file from elsewhere. Without a type it is a string, or what `inferred` finds. Throws CellFault. */
export function readForeignCell(
  text: string,
  type: CellType | undefined,
  options: { readonly empty: EmptyCell; readonly infer: boolean },
): Value | undefined {
  if (text === '') return emptyOf(type, options.empty)
  if (type !== undefined) return parsed(type === 'string' ? text : text.trim(), type)
  return options.infer ? inferred(text) : text
}

/** Only a column of strings can have an empty one. */
function emptyOf(type: CellType | undefined, empty: EmptyCell): Value | undefined {
  if (empty === 'null') return null
  return empty === 'string' && (type === undefined || type === 'string') ? '' : undefined
}

/** true, false, and numbers whose own text this is exactly (so that 007 and 1.10 stay strings); else the string. */
function inferred(text: string): Value {
  if (text === 'true' || text === 'false') return text === 'true'
  return /^-?\d/.test(text) && String(Number(text)) === text ? Number(text) : text
}

function parsed(text: string, type: CellType): Value {
  switch (type) {
    case 'string':
      return text
    case 'number':
      return numberOf(text)
    case 'bigint':
      if (!/^-?\d+$/.test(text)) throw noSuch(text, 'a whole number')
      return BigInt(text)
    case 'boolean':
      if (!/^(?:true|false)$/i.test(text)) throw noSuch(text, 'true or false')
      return text.toLowerCase() === 'true'
    case 'date':
      return dateOf(text)
    case 'json':
      return jsonOf(text)
  }
}

const NUMBER = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|NaN|-?Infinity)$/i

function numberOf(text: string): number {
  if (!NUMBER.test(text)) throw noSuch(text, 'a number')
  const value = Number(text)
  if (/^[+-]?\d+$/.test(text) && !Number.isSafeInteger(value) && String(value) !== text) {
    throw new CellFault(`${shown(text)} has more digits than a number keeps; read the column as bigint or string`)
  }
  return value
}

const DATE = /^((?:\d{4}|[+-]\d{6})-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/

function dateOf(text: string): Date {
  const day = DATE.exec(text)?.[1]
  const date = new Date(text)
  // JavaScript reads the 30th of February as the 1st of March.
  const start = new Date(`${day}T00:00:00Z`)
  const exists = !Number.isNaN(start.getTime()) && day !== undefined && start.toISOString().startsWith(day)
  if (Number.isNaN(date.getTime()) || !exists) {
    throw noSuch(text, 'a date of ISO 8601 with its time zone, as 2024-05-01 or 2024-05-01T12:00:00Z')
  }
  return date
}

function jsonOf(text: string): Value {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new CellFault(`${shown(text)} is no JSON`, { cause })
  }
  return fromJsonForm(json)
}

function jsonText(value: Value): string {
  return JSON.stringify(toJsonForm(value))
}

function noSuch(text: string, what: string): CellFault {
  return new CellFault(`${shown(text)} is not ${what}`)
}

/** A long cell would drown the message. */
const SHOWN = 60

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text)
}
