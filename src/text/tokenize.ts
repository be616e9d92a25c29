/**
 * From a text to its words: runs of letters, digits and marks, folded (fold.ts), each with its place in the text in
 * UTF-16 units. Everything else divides: spaces, punctuation, `_`, `'`, `@`, emoji. Runs of scripts without spaces are
 * cut by segment-words.ts.
 *
 *   "Café-Bar: don't"  →  cafe [0, 4)  bar [5, 8)  don [10, 13)  t [14, 15)
 */
import { foldWord } from './fold.ts'
import { eachMixedWord, isUnspaced } from './segment-words.ts'

/** Words in the order of the text; the four have one entry a word. Filled again for each text: no garbage. */
export interface WordList {
  count: number
  readonly words: string[]
  readonly starts: number[]
  readonly ends: number[]
}

const NON_ASCII = /[^\0-\x7f]/
const RUN = /[\p{L}\p{N}\p{M}]+/gu

/** 1 for the ASCII letters and digits, after lower-casing. */
const WORD_UNITS = new Uint8Array(128)
for (const char of 'abcdefghijklmnopqrstuvwxyz0123456789') WORD_UNITS[char.charCodeAt(0)] = 1

export function newWordList(): WordList {
  return { count: 0, words: [], starts: [], ends: [] }
}

/** Fills the list with the words of the text. */
export function tokenize(text: string, list: WordList): void {
  list.count = 0
  if (NON_ASCII.test(text)) tokenizeUnicode(text, list)
  else tokenizeAscii(text, list)
}

/** Lower-cases once for the text, not once a word: ASCII keeps its places. */
function tokenizeAscii(text: string, list: WordList): void {
  const lower = text.toLowerCase()
  let start = -1
  for (let i = 0; i < lower.length; i++) {
    if (WORD_UNITS[lower.charCodeAt(i)] === 1) {
      if (start < 0) start = i
    } else if (start >= 0) {
      push(list, lower.slice(start, i), start, i)
      start = -1
    }
  }
  if (start >= 0) push(list, lower.slice(start), start, lower.length)
}

function tokenizeUnicode(text: string, list: WordList): void {
  RUN.lastIndex = 0
  for (let match = RUN.exec(text); match !== null; match = RUN.exec(text)) {
    const run = match[0]
    const at = match.index
    if (isUnspaced(run)) {
      eachMixedWord(run, (start, end) => pushFolded(list, run.slice(start, end), at + start, at + end))
    } else {
      pushFolded(list, run, at, at + run.length)
    }
  }
}

function pushFolded(list: WordList, raw: string, start: number, end: number): void {
  const word = foldWord(raw)
  if (word !== '') push(list, word, start, end)
}

function push(list: WordList, word: string, start: number, end: number): void {
  const i = list.count++
  list.words[i] = word
  list.starts[i] = start
  list.ends[i] = end
}
