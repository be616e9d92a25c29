/** Text in lines, taken apart piece by piece: for NDJSON. A line ends with LF; the CR of a CRLF is part of the line. */
import { BlazeError } from '../base/errors.ts'

/** A line that is not blank, and its number (from 1). */
export interface TextLine {
  readonly line: number
  readonly text: string
}

/** Takes text apart. It may come in any pieces. */
export class LineParser {
  readonly #maxLength: number
  #rest = ''
  #line = 1

  constructor(options: { readonly maxLength: number }) {
    this.#maxLength = options.maxLength
  }

  /** The lines that end in this piece. TOO_LARGE for one that is longer than may be. */
  push(text: string): TextLine[] {
    const lines: TextLine[] = []
    let at = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', at)) {
      this.#take(text.slice(at, end))
      this.#end(lines)
      at = end + 1
    }
    this.#take(at === 0 ? text : text.slice(at))
    return lines
  }

  /** The last line, when no LF follows it. */
  end(): TextLine[] {
    const lines: TextLine[] = []
    this.#end(lines)
    return lines
  }

  #take(text: string): void {
    const actual = this.#rest.length + text.length
    if (actual > this.#maxLength) {
      throw new BlazeError('TOO_LARGE', `line ${this.#line}: it has more than ${this.#maxLength} characters`, {
        limit: this.#maxLength,
        actual,
      })
    }
    this.#rest += text
  }

  #end(lines: TextLine[]): void {
    const text = this.#rest
    if (/\S/.test(text)) lines.push({ line: this.#line, text })
    this.#rest = ''
    this.#line++
  }
}
