/** Definitions as bytes: `varint first, varint n, (varint size, definition){n}`, where `first` is the number of the first one. */
import { BlazeError } from '../base/errors.ts'
import type { ShapeTable } from './shapes.ts'
import { MAX_VARINT_SIZE, readPlainVarint, varintSize, writeVarint } from './varint.ts'

/** The definitions of a table from number `from` on: a copy. */
export function formatDefinitions(table: ShapeTable, from: number): Uint8Array {
  const definitions: Uint8Array[] = []
  for (let id = from; id < table.count; id++) definitions.push(table.definition(id))
  const size = definitions.reduce((sum, { length }) => sum + varintSize(length) + length, 0)
  const bytes = new Uint8Array(size + 2 * MAX_VARINT_SIZE)
  let at = writeVarint(bytes, writeVarint(bytes, 0, from), definitions.length)
  for (const definition of definitions) {
    at = writeVarint(bytes, at, definition.length)
    bytes.set(definition, at)
    at += definition.length
  }
  return bytes.slice(0, at)
}

/** Adds the definitions at `start` to a table; gives where they end. CODEC for anything that does not fit. */
export function takeDefinitions(table: ShapeTable, bytes: Uint8Array, start: number): number {
  const from = readPlainVarint(bytes, start)
  const count = readPlainVarint(bytes, from.end)
  let at = count.end
  for (let i = 0; i < count.value; i++) {
    const size = readPlainVarint(bytes, at)
    at = size.end + size.value
    if (at > bytes.length) throw new BlazeError('CODEC', `A definition goes beyond the end.`, { offset: size.end })
    table.define(from.value + i, bytes.subarray(size.end, at))
  }
  return at
}
