/** The text of a file, as records: each with its line, or with what is wrong with it. Pure; text may come in any pieces. */
import { BlazeError, isBlazeError } from '../../base/errors.ts'
import type { Value } from '../../base/values.ts'
import {
  CELL_TYPES,
  CellFault,
  type CellType,
  type EmptyCell,
  readCell,
  readForeignCell,
} from '../../codec/csv-cell.ts'
import { CsvParser, type CsvRow } from '../../codec/csv-text.ts'
import { fromJsonForm } from '../../codec/json-form.ts'
import { setField } from '../../codec/read-value.ts'
import { LineParser } from '../../codec/text-lines.ts'
import { assertKnown } from '../known-options.ts'
import { REST_COLUMN } from './record-text.ts'

/** One record of a file, or why there is none. */
export interface SourceRow {
  readonly line: number
  /** UTF-16 units of text that it took. */
  readonly size: number
  readonly record: unknown
  readonly fault?: BlazeError
}

/** Takes text apart into rows. What cannot be taken apart any further throws INVALID_VALUE or TOO_LARGE with the line. */
export interface RowReader {
  push(text: string): SourceRow[]
  end(): SourceRow[]
}

/** How a CSV file is read. */
export interface CsvOptions {
  /** One character; `,` by default. */
  readonly delimiter?: string
  /** The types of columns; the others are strings. The names of the header are then plain names. */
  readonly types?: { readonly [column: string]: CellType }
  /** Reads true, false and numbers written as JavaScript writes them in columns without a type. Off by default. */
  readonly infer?: boolean
  /** What an empty cell is: no field (`missing`, the default), null, or, without a type, the empty string. */
  readonly empty?: EmptyCell
}

export function ndjsonRows(maxLength: number): RowReader {
  const lines = new LineParser({ maxLength })
  const read = ({ line, text }: { readonly line: number; readonly text: string }): SourceRow => {
    try {
      return { line, size: text.length, record: fromJsonForm(parseJson(text)) }
    } catch (error) {
      return { line, size: text.length, record: undefined, fault: faultOf(error, `line ${line}`, '') }
    }
  }
  return {
    push: (text) => lines.push(text).map(read),
    end: () => lines.end().map(read),
  }
}

export function csvRows(maxRowLength: number, options: CsvOptions): RowReader {
  const { delimiter, ...settings } = checkedCsv(options)
  const parser = new CsvParser({ delimiter, maxRowLength })
  let header: Header | undefined
  const read = (rows: readonly CsvRow[]): SourceRow[] => {
    const [first] = rows
    if (first === undefined) return []
    if (header !== undefined) return rows.map((row) => readRow(row, header!))
    const found = readHeader(first, settings)
    header = found
    return rows.slice(1).map((row) => readRow(row, found))
  }
  return {
    push: (text) => read(parser.push(text)),
    end() {
      const rows = read(parser.end())
      if (header === undefined)
        throw wrong('line 1', 'a CSV file begins with the names of its columns, and this one is empty')
      return rows
    },
  }
}

interface Header {
  readonly names: readonly string[]
  readonly reads: readonly ((text: string) => Value | undefined)[]
}

type CsvSettings = Omit<Required<CsvOptions>, 'delimiter'>

function readHeader({ line, cells }: CsvRow, settings: CsvSettings): Header {
  const typed = settings.infer || Object.keys(settings.types).length > 0 ? undefined : typedHeader(cells)
  const names = typed?.map(({ name }) => name) ?? cells
  const seen = new Set<string>()
  for (const name of names) {
    if (name === '' && typed === undefined) throw wrong(`line ${line}`, 'a column has no name')
    if (seen.has(name)) throw wrong(`line ${line}`, `two columns have the name ${JSON.stringify(name)}`)
    seen.add(name)
  }
  for (const name of Object.keys(settings.types)) {
    if (seen.has(name)) continue
    throw new BlazeError(
      'INVALID_ARGUMENT',
      `csv.types names the column ${JSON.stringify(name)}, and the header has only ${names.map((each) => JSON.stringify(each)).join(', ')}.`,
      { argument: 'csv.types' },
    )
  }
  if (typed !== undefined)
    return {
      names,
      reads: typed.map(
        ({ type }) =>
          (text) =>
            readCell(text, type),
      ),
    }
  return {
    names,
    reads: names.map((name) => {
      const type = Object.hasOwn(settings.types, name) ? settings.types[name] : undefined
      return (text) => readForeignCell(text, type, settings)
    }),
  }
}

/** A header in which every name carries a type is that of a dump. */
function typedHeader(cells: readonly string[]): { readonly name: string; readonly type: CellType }[] | undefined {
  const typed = cells.map((cell) => {
    const colon = cell.lastIndexOf(':')
    return { name: cell.slice(0, Math.max(0, colon)), type: cell.slice(colon + 1) }
  })
  const isTyped = typed.every(({ type }, i) => cells[i]!.includes(':') && isCellType(type))
  return isTyped ? (typed as { name: string; type: CellType }[]) : undefined
}

function readRow({ line, cells, size }: CsvRow, { names, reads }: Header): SourceRow {
  if (cells.length !== names.length) {
    const fault = wrong(`line ${line}`, `the row has ${cells.length} cells, and the header names ${names.length}`)
    return { line, size, record: undefined, fault }
  }
  const record: { [name: string]: Value } = {}
  for (let i = 0; i < cells.length; i++) {
    const name = names[i]!
    try {
      const value = reads[i]!(cells[i]!)
      if (name === REST_COLUMN) addRest(record, value)
      else if (value !== undefined) setField(record, name, value)
    } catch (error) {
      return { line, size, record: undefined, fault: faultOf(error, `line ${line}`, name) }
    }
  }
  return { line, size, record }
}

function addRest(record: { [name: string]: Value }, rest: Value | undefined): void {
  if (rest === undefined) return
  const isObject = typeof rest === 'object' && rest !== null && Object.getPrototypeOf(rest) === Object.prototype
  if (!isObject) throw new CellFault('it holds the other fields of the record, as a JSON object')
  for (const [name, value] of Object.entries(rest)) setField(record, name, value as Value)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new CellFault(`this is no JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

function faultOf(error: unknown, place: string, column: string): BlazeError {
  const at = column === '' ? place : `${place}, column ${JSON.stringify(column)}`
  if (error instanceof CellFault || isBlazeError(error, 'INVALID_VALUE')) return wrong(at, error.message, error)
  throw error
}

function wrong(place: string, text: string, cause?: unknown): BlazeError<'INVALID_VALUE'> {
  return new BlazeError('INVALID_VALUE', `${place}: ${text}`, { path: place }, { cause })
}

function checkedCsv(options: CsvOptions): CsvSettings & { readonly delimiter: string } {
  assertKnown('csv', options, ['delimiter', 'types', 'infer', 'empty'])
  const { delimiter = ',', types = {}, infer = false, empty = 'missing' } = options
  if (typeof delimiter !== 'string' || delimiter.length !== 1 || /["\r\n]/.test(delimiter)) {
    throw invalid('csv.delimiter', "csv.delimiter is one character, as ',' or ';' or '\\t'")
  }
  if (typeof types !== 'object' || types === null || Object.values(types).some((type) => !isCellType(type))) {
    throw invalid('csv.types', `csv.types gives columns one of the types ${CELL_TYPES.join(', ')}`)
  }
  if (typeof infer !== 'boolean') throw invalid('csv.infer', 'csv.infer is true or false')
  if (!['missing', 'null', 'string'].includes(empty)) {
    throw invalid('csv.empty', "csv.empty is 'missing', 'null' or 'string'")
  }
  return { delimiter, types, infer, empty }
}

function isCellType(type: unknown): type is CellType {
  return CELL_TYPES.some((each) => each === type)
}

function invalid(argument: string, text: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `${text}. Nothing was written.`, { argument })
}
