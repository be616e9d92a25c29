/**
 * Definitions as bytes.
 *
 *   list        := varint n, (varint size, definition){n}
 *   definitions := varint first, list                         `first` is the number of the first one
 */
import { BlazeError, isBlazeError } from '../base/errors.ts'
import type { ShapeTable } from './shapes.ts'
import { MAX_VARINT_SIZE, readPlainVarint, varintSize, writeVarint } from './varint.ts'

/** The definitions of a table from number `from` on: a copy. */
export function formatDefinitions(table: ShapeTable, from: number): Uint8Array {
  const list = formatList(table, from)
  const bytes = new Uint8Array(varintSize(from) + list.length)
  bytes.set(list, writeVarint(bytes, 0, from))
  return bytes
}

/** As {@link formatDefinitions}, without saying where they begin. */
export function formatList(table: ShapeTable, from: number): Uint8Array {
  const definitions: Uint8Array[] = []
  for (let number = from; number < table.count; number++) definitions.push(table.definition(number))
  const size = definitions.reduce((sum, { length }) => sum + varintSize(length) + length, MAX_VARINT_SIZE)
  const bytes = new Uint8Array(size)
  let at = writeVarint(bytes, 0, definitions.length)
  for (const definition of definitions) {
    at = writeVarint(bytes, at, definition.length)
    bytes.set(definition, at)
    at += definition.length
  }
  return bytes.slice(0, at)
}

/** Adds the definitions at `start` to a table; gives where they end. CODEC with the offset for anything that does not fit. */
export function takeDefinitions(table: ShapeTable, bytes: Uint8Array, start: number): number {
  const from = readPlainVarint(bytes, start)
  return takeList(table, from.value, bytes, from.end)
}

/** As {@link takeDefinitions}, for a list whose first definition has the number `from`. */
export function takeList(table: ShapeTable, from: number, bytes: Uint8Array, start: number): number {
  const count = readPlainVarint(bytes, start)
  let at = count.end
  for (let i = 0; i < count.value; i++) {
    const size = readPlainVarint(bytes, at)
    at = size.end + size.value
    if (at > bytes.length) throw new BlazeError('CODEC', 'A definition goes beyond the end.', { offset: size.end })
    define(table, from + i, bytes, size.end, at)
  }
  return at
}

/** Defines what is in bytes[start, end): a refusal counts its offset in these, not in the definition. */
function define(table: ShapeTable, number: number, bytes: Uint8Array, start: number, end: number): void {
  try {
    table.define(number, bytes.subarray(start, end))
  } catch (cause) {
    if (!isBlazeError(cause, 'CODEC')) throw cause
    const text = `The encoded bytes are damaged at byte ${start}: found a definition that is none.`
    throw new BlazeError('CODEC', text, { offset: start }, { cause })
  }
}
