/** Records as the text of a dump, in pieces: NDJSON, or CSV whose header names each column with its type. */
import { BlazeError } from '../../base/errors.ts'
import type { StoredRecord, Value } from '../../base/values.ts'
import { type CellType, cellTypeOf, writeCell } from '../../codec/csv-cell.ts'
import { csvRow } from '../../codec/csv-text.ts'
import { toJsonForm } from '../../codec/json-form.ts'
import { setField } from '../../codec/read-value.ts'
import { PIECE_BYTES } from './outside-file.ts'
import type { Pacer } from './pacer.ts'

/** A column of a CSV dump. */
export interface CsvColumn {
  readonly name: string
  readonly type: CellType
}

/**
 * Columns of a CSV dump are at most this many, the id among them; what other fields records have goes into one more, as
 * JSON. Spreadsheets end at 16,384, and a collection with thousands of field names is a map, not a table.
 */
export const MAX_COLUMNS = 1_000

/** The column of all other fields. No field has such a name: names that begin with $ are not stored. */
export const REST_COLUMN = '$rest'

/** Makes text of records. */
export interface RecordText {
  /** What stands before the first record. */
  readonly header: string
  textOf(record: StoredRecord): string
}

export const ndjsonText: RecordText = {
  header: '',
  textOf: (record) => `${JSON.stringify(toJsonForm(record))}\n`,
}

export function csvText(columns: readonly CsvColumn[], hasRest: boolean): RecordText {
  const names = new Set(columns.map(({ name }) => name))
  const header = columns.map(({ name, type }) => `${name}:${type}`)
  if (hasRest) header.push(`${REST_COLUMN}:json`)
  return {
    header: csvRow(header, ','),
    textOf(record) {
      const cells = columns.map(({ name, type }) => writeCell(ownField(record, name), type))
      if (hasRest) cells.push(restOf(record, names))
      return csvRow(cells, ',')
    },
  }
}

/** The pieces of a dump's bytes; `told` hears how many records are in those so far. */
export async function* textPieces(
  records: AsyncIterable<StoredRecord>,
  format: RecordText,
  pacer: Pacer,
  told: (records: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = new TextEncoder()
  let text = format.header
  let count = 0
  for await (const record of records) {
    text = withRecord(text, format, record)
    count++
    if (text.length < PIECE_BYTES) continue
    told(count)
    yield* inPieces(encoder.encode(text))
    text = ''
    await pacer.step()
  }
  told(count)
  if (text !== '') yield* inPieces(encoder.encode(text))
}

function* inPieces(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
}

/** The columns that hold every record: names in the order they are first seen, each of the type that most values have. */
export async function findColumns(
  records: AsyncIterable<StoredRecord>,
  pacer: Pacer,
  told: (records: number) => void,
): Promise<{ readonly columns: readonly CsvColumn[]; readonly hasRest: boolean }> {
  const tallies = new Map<string, Map<CellType, number>>([['id', new Map()]])
  let hasRest = false
  let count = 0
  for await (const record of records) {
    for (const name of Object.keys(record)) {
      // A lone surrogate has no UTF-8, and a header no way to escape it.
      const fits = tallies.has(name) || (tallies.size < MAX_COLUMNS && name.isWellFormed())
      if (fits) note(tallies, name, record[name])
      else hasRest = true
    }
    if (++count % RECORDS_PER_LOOK !== 0) continue
    told(count)
    await pacer.step()
  }
  return { columns: [...tallies].map(([name, tally]) => ({ name, type: mostOf(tally) })), hasRest }
}

const RECORDS_PER_LOOK = 64

function note(tallies: Map<string, Map<CellType, number>>, name: string, value: Value | undefined): void {
  let tally = tallies.get(name)
  if (tally === undefined) {
    tally = new Map()
    tallies.set(name, tally)
  }
  const type = value === undefined ? undefined : cellTypeOf(value)
  if (type !== undefined) tally.set(type, (tally.get(type) ?? 0) + 1)
}

/** The first of those that most values have; a column of nothing but null is as good as any. */
function mostOf(tally: ReadonlyMap<CellType, number>): CellType {
  let most: CellType | undefined
  for (const [type, count] of tally) if (most === undefined || count > (tally.get(most) ?? 0)) most = type
  return most ?? 'string'
}

function restOf(record: StoredRecord, names: ReadonlySet<string>): string {
  const rest: { [name: string]: Value } = {}
  for (const name of Object.keys(record)) {
    const value = record[name]
    if (value !== undefined && !names.has(name)) setField(rest, name, value)
  }
  return Object.keys(rest).length === 0 ? '' : JSON.stringify(toJsonForm(rest))
}

function ownField(record: StoredRecord, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

function withRecord(text: string, format: RecordText, record: StoredRecord): string {
  try {
    return text + format.textOf(record)
  } catch (cause) {
    if (!isTooLong(cause)) throw cause
    throw new BlazeError(
      'TOO_LARGE',
      `the record ${JSON.stringify(record.id)} is longer as text than a string can be, so it cannot be dumped.`,
      { limit: MAX_STRING, actual: MAX_STRING + 1 },
      { cause },
    )
  }
}

/** What the runtime says of a string that cannot be: of one of its own, and of one made of bytes. */
function isTooLong(error: unknown): boolean {
  if (error instanceof RangeError) return true
  return error instanceof Error && 'code' in error && error.code === 'ERR_STRING_TOO_LONG'
}

/** The longest string of the runtime, in UTF-16 units. */
export const MAX_STRING = 0x1fffffe8
