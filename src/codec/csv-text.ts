/**
 * CSV as text (RFC 4180): rows of cells, taken apart piece by piece and put together again. What a cell means is said in
 * csv-cell.ts.
 *
 *   row     = cell *(delimiter cell) end          end = LF | CRLF | CR | end of the text
 *   cell    = *(any but delimiter, quote, CR, LF)
 *           | quote *(any but quote | quote quote) quote
 *
 * A blank row is no row. A quote inside an unquoted cell, text after a closing quote and a quote that is never closed are
 * refused, with the line: whoever guesses what was meant loads something else now and then.
 *
 * Bounds: the length of a row and its cells, so that a file that is none costs no more memory than a row may.
 */
import { BlazeError } from '../base/errors.ts'

/** A row, and the line of the text that it begins in (from 1). */
export interface CsvRow {
  readonly line: number
  readonly cells: readonly string[]
  /** UTF-16 units of text that it took. */
  readonly size: number
}

/** The most cells of a row: more fields than any table has. */
export const MAX_CELLS = 10_000

const QUOTE = 0x22
const CR = 0x0d
const LF = 0x0a

type State = 'cell start' | 'in cell' | 'quoted' | 'quote in quoted'

/** Takes CSV text apart. It may come in any pieces. */
export class CsvParser {
  readonly #delimiter: number
  readonly #maxRowLength: number
  #state: State = 'cell start'
  #cells: string[] = []
  #cell = ''
  #line = 1
  #rowLine = 1
  #rowLength = 0
  #afterCr = false

  /** `delimiter` is one character, not a quote or an end of line. */
  constructor(options: { readonly delimiter: string; readonly maxRowLength: number }) {
    this.#delimiter = options.delimiter.charCodeAt(0)
    this.#maxRowLength = options.maxRowLength
  }

  /** The rows that end in this piece. INVALID_VALUE, TOO_LARGE with the line. */
  push(text: string): CsvRow[] {
    const rows: CsvRow[] = []
    let at = 0
    if (this.#afterCr && text.length > 0) {
      this.#afterCr = false
      if (text.charCodeAt(0) === LF) at = 1
    }
    while (at < text.length) at = this.#state === 'quoted' ? this.#quoted(text, at) : this.#plain(text, at, rows)
    return rows
  }

  /** The last row, when no end of line follows it. */
  end(): CsvRow[] {
    if (this.#state === 'quoted') throw this.#fault('a quote that is opened here is never closed', this.#rowLine)
    const rows: CsvRow[] = []
    this.#endRow(rows)
    return rows
  }

  /** Text inside quotes up to the next quote; where to go on. */
  #quoted(text: string, at: number): number {
    const quote = text.indexOf('"', at)
    const end = quote < 0 ? text.length : quote
    this.#take(text, at, end)
    for (
      let newline = text.indexOf('\n', at);
      newline >= 0 && newline < end;
      newline = text.indexOf('\n', newline + 1)
    ) {
      this.#line++
    }
    if (quote < 0) return end
    this.#state = 'quote in quoted'
    return quote + 1
  }

  #plain(text: string, at: number, rows: CsvRow[]): number {
    const end = this.#endOfPlain(text, at)
    if (end > at) {
      if (this.#state === 'quote in quoted') throw this.#fault('text follows a closing quote', this.#line)
      this.#take(text, at, end)
      this.#state = 'in cell'
      if (end === text.length) return end
    }
    const code = text.charCodeAt(end)
    if (code === this.#delimiter) this.#endCell()
    else if (code === QUOTE) this.#quote()
    else return this.#endLine(text, end, rows)
    return end + 1
  }

  #endOfPlain(text: string, from: number): number {
    const delimiter = this.#delimiter
    for (let at = from; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code === delimiter || code === QUOTE || code === LF || code === CR) return at
    }
    return text.length
  }

  #quote(): void {
    if (this.#state === 'in cell') throw this.#fault('a quote stands inside a cell that is not quoted', this.#line)
    if (this.#state === 'quote in quoted') this.#take('"', 0, 1)
    this.#state = 'quoted'
  }

  /** A row ends at `at`; where the next begins. A CR that ends the piece may be half of an end of line. */
  #endLine(text: string, at: number, rows: CsvRow[]): number {
    this.#line++
    this.#endRow(rows)
    if (text.charCodeAt(at) === LF) return at + 1
    this.#afterCr = at + 1 === text.length
    return text.charCodeAt(at + 1) === LF ? at + 2 : at + 1
  }

  #take(text: string, from: number, end: number): void {
    this.#rowLength += end - from
    if (this.#rowLength > this.#maxRowLength) throw this.#tooLong('characters', this.#maxRowLength, this.#rowLength)
    this.#cell += text.slice(from, end)
  }

  #endCell(): void {
    this.#cells.push(this.#cell)
    this.#rowLength++
    if (this.#cells.length > MAX_CELLS) throw this.#tooLong('cells', MAX_CELLS, this.#cells.length)
    this.#cell = ''
    this.#state = 'cell start'
  }

  #endRow(rows: CsvRow[]): void {
    const blank = this.#cells.length === 0 && this.#state === 'cell start'
    if (!blank) {
      this.#endCell()
      rows.push({ line: this.#rowLine, cells: this.#cells, size: this.#rowLength })
      this.#cells = []
    }
    this.#rowLine = this.#line
    this.#rowLength = 0
  }

  #fault(text: string, line: number): BlazeError<'INVALID_VALUE'> {
    return new BlazeError('INVALID_VALUE', `line ${line}: this is no CSV: ${text}`, { path: `line ${line}` })
  }

  #tooLong(what: string, limit: number, actual: number): BlazeError<'TOO_LARGE'> {
    return new BlazeError('TOO_LARGE', `line ${this.#rowLine}: the row has more than ${limit} ${what}`, {
      limit,
      actual,
    })
  }
}

/** One row of CSV, its end of line included. Cells are quoted where they must be. */
export function csvRow(cells: readonly string[], delimiter: string): string {
  return `${cells.map((cell) => csvQuoted(cell, delimiter)).join(delimiter)}\n`
}

function csvQuoted(cell: string, delimiter: string): string {
  const plain = cell === '' || (!cell.includes(delimiter) && !/["\r\n]|^\s|\s$/.test(cell))
  return plain ? cell : `"${cell.replaceAll('"', '""')}"`
}
