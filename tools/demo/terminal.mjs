/**
 * What the demonstration writes to the terminal: plain text with a few ANSI colours. NO_COLOR, a dumb terminal or a
 * pipe turn the colours off; a pipe also turns the moving progress bar into one line at its end.
 */
import { highlight, sourceLines } from './source.mjs'

const { stdout, env } = process
const isTerminal = stdout.isTTY === true && env['TERM'] !== 'dumb'
const isColoured = isTerminal && (env['NO_COLOR'] ?? '') === ''

/** Least time between two pictures of the bar: more is not seen, and costs the import. */
const REDRAW_MS = 50
const BAR_CELLS = 28
const NARROWEST = 40
const WIDEST = 120

/** @typedef {(text: string | number) => string} Paint */

/** @param {string} code @returns {Paint} */
const paint = (code) => (text) => (isColoured ? `\x1b[${code}m${text}\x1b[0m` : String(text))

export const bold = paint('1')
export const dim = paint('2')
const red = paint('31')
const green = paint('32')
const yellow = paint('33')
const cyan = paint('36')

const code = { comment: dim, string: green, number: yellow, keyword: cyan }

/** @param {string} [line] */
export function say(line = '') {
  stdout.write(`${line}\n`)
}

/** @param {string} title @param {string} [aside] */
export function heading(title, aside = '') {
  say()
  say(`${cyan('●')} ${bold(title)}${aside === '' ? '' : `  ${dim(aside)}`}`)
}

/** Shows a function by the source that will run. @param {Function} fn */
export function showCode(fn) {
  for (const line of sourceLines(fn)) say(`  ${dim('│')} ${isColoured ? highlight(line, code) : line}`)
}

/** @param {string} text */
export function result(text) {
  say(`    ${text}`)
}

/** @param {string} text */
export function warning(text) {
  say(`    ${yellow('!')} ${text}`)
}

/** A self-check's outcome. @param {boolean} holds @param {string} text */
export function verdict(holds, text) {
  say(`    ${holds ? green('✓') : red('✗')} ${text}`)
}

/** Columns as wide as their widest cell; figures to the right. @param {readonly (readonly (string | number)[])[]} rows */
export function table(rows) {
  const widths = /** @type {number[]} */ ([])
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, String(cell).length)
  }
  for (const row of rows) {
    const cells = row.map((cell, at) =>
      typeof cell === 'number' ? String(cell).padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
    )
    result(clip(cells.join('  ').trimEnd(), 4))
  }
}

/** A bar that moves in a terminal, and is a single line elsewhere. @param {string} label */
export function progressBar(label) {
  let drawnMs = 0
  return {
    /** @param {number} share from 0 to 1 @param {string} text */
    draw(share, text) {
      const nowMs = performance.now()
      if (!isTerminal || nowMs - drawnMs < REDRAW_MS) return
      drawnMs = nowMs
      const full = Math.round(Math.min(1, share) * BAR_CELLS)
      const bar = '█'.repeat(full) + '░'.repeat(BAR_CELLS - full)
      const percent = `${Math.floor(Math.min(1, share) * 100)}%`.padStart(4)
      const rest = clip(text, label.length + BAR_CELLS + percent.length + 7)
      stdout.write(`\r\x1b[K    ${label} ${cyan(bar)}${percent}  ${dim(rest)}`)
    },
    /** @param {string} text */
    end(text) {
      if (isTerminal) stdout.write('\r\x1b[K')
      result(text)
    },
  }
}

/** One line's worth of it, `taken` cells being used already; control characters have no business on a terminal. @param {string} text @param {number} taken */
function clip(text, taken) {
  const room = Math.max(NARROWEST, Math.min(WIDEST, stdout.columns || WIDEST) - 1) - taken
  const plain = text.replace(/\p{Cc}+/gu, ' ')
  return plain.length <= room ? plain : `${plain.slice(0, Math.max(0, room - 1))}…`
}

/** @param {number} bytes */
export function bytesText(bytes) {
  if (bytes < 1024) return `${bytes} B`
  const units = ['KiB', 'MiB', 'GiB']
  const power = Math.min(units.length, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power - 1]}`
}

/** @param {number} ms */
export function timeText(ms) {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`
  if (ms >= 1) return `${ms.toFixed(1)} ms`
  return `${(ms * 1000).toFixed(1)} µs`
}
