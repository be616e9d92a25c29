/**
 * The syntax of a search box. Whatever is typed is a query; what cannot be read as an operator is read as words.
 *
 *   login broken        both                     "exact phrase"   the words in this order
 *   a OR b              one of them              logi*            begins with
 *   -word, NOT word     without                  logn~  logn~2    up to 1, 2 edits
 *   a AND b             both, as without AND     title:word       in that field; also before a phrase or ( )
 *
 * `OR` binds weaker than standing beside each other: `a b OR c` is `(a b) OR c`. Operators are upper case. A quote or
 * parenthesis without its partner, an operator without its words, a field that is not there, and levels beyond
 * MAX_QUERY_DEPTH are plain words or, when there is no letter in them, nothing. Words after the first MAX_LEAVES are
 * not read.
 */
import { combineQueries, MAX_LEAVES, MAX_QUERY_DEPTH, NOTHING, type TextLeaf, type TextQuery } from './text-query.ts'

interface Reader {
  readonly tokens: readonly string[]
  /** By token: of a `(` or `)` that has a partner, the partner's number; else -1. */
  readonly partners: readonly number[]
  readonly fields: ReadonlySet<string>
  at: number
  leaves: number
}

/** Quoted phrases, parentheses, and runs of anything else. A quote that is never closed is part of a run. */
const TOKEN = /[^\s()"]*"[^"]*"|[()]|[^\s()"]+|"/gu
const HAS_WORD = /[\p{L}\p{N}\p{M}]/u
const FUZZY = /^(.+)~([12]?)$/su
const PREFIX = /^(.+)\*$/su

/** The query that the text states. Never throws. `fields` are the names that `name:word` may use. */
export function parseSearch(text: string, fields: readonly string[] = []): TextQuery {
  const tokens = splitTokens(text)
  const reader: Reader = { tokens, partners: partnersOf(tokens), fields: new Set(fields), at: 0, leaves: 0 }
  return readOr(reader, tokens.length, undefined) ?? NOTHING
}

/** Tokens; what stands before a quote (`title:`, `-`) is one with it when it ends in `:` or is `-`, else its own. */
function splitTokens(text: string): string[] {
  const tokens: string[] = []
  for (const [token] of text.matchAll(TOKEN)) {
    const quote = token.indexOf('"')
    if (quote <= 0) {
      tokens.push(token)
    } else {
      const before = token.slice(0, quote)
      if (before === '-' || before.endsWith(':')) tokens.push(token)
      else tokens.push(before, token.slice(quote))
    }
  }
  return tokens
}

/** Pairs parentheses up to the depth that is read. */
function partnersOf(tokens: readonly string[]): number[] {
  const partners: number[] = tokens.map(() => -1)
  const open: number[] = []
  tokens.forEach((token, i) => {
    if (token === '(') {
      open.push(i)
    } else if (token === ')') {
      const start = open.pop()
      if (start !== undefined && open.length < MAX_QUERY_DEPTH / 2 - 2) {
        partners[start] = i
        partners[i] = start
      }
    }
  })
  return partners
}

function readOr(r: Reader, end: number, field: string | undefined): TextQuery | undefined {
  const of: TextQuery[] = []
  for (let isFirst = true; r.at < end; isFirst = false) {
    if (!isFirst && r.tokens[r.at] === 'OR') r.at++
    const part = readAnd(r, end, field)
    if (part !== undefined) of.push(part)
  }
  return of.length === 0 ? undefined : combineQueries('or', of)
}

/** Parts up to an `OR` that has something on both sides. */
function readAnd(r: Reader, end: number, field: string | undefined): TextQuery | undefined {
  const of: TextQuery[] = []
  while (r.at < end) {
    const token = r.tokens[r.at]!
    const isBetween = of.length > 0 && r.at + 1 < end
    if (token === 'OR' && isBetween) break
    if (token === 'AND' && isBetween) {
      r.at++
      continue
    }
    const part = readUnary(r, end, field)
    if (part !== undefined) of.push(part)
  }
  return of.length === 0 ? undefined : combineQueries('and', of)
}

function readUnary(r: Reader, end: number, field: string | undefined): TextQuery | undefined {
  const token = r.tokens[r.at]!
  if ((token === 'NOT' || token === '-') && r.at + 1 < end) {
    const next = r.tokens[r.at + 1]!
    // `NOT NOT a` and `- -a` are not read as double negations: the first is a word, or nothing.
    if (next !== 'NOT' && next !== 'OR' && next !== 'AND' && !next.startsWith('-') && next !== ')') {
      r.at++
      return negated(readPrimary(r, field, r.tokens[r.at]!))
    }
  }
  if (token.length > 1 && token.startsWith('-')) return negated(readPrimary(r, field, token.slice(1)))
  return readPrimary(r, field, token)
}

function negated(of: TextQuery | undefined): TextQuery | undefined {
  return of === undefined ? undefined : Object.freeze({ kind: 'not', of })
}

/** A parenthesis, or what the token says; `token` is the one at hand, without its dash. */
function readPrimary(r: Reader, field: string | undefined, token: string): TextQuery | undefined {
  if (token === '(') return readGroup(r, field)
  const named = /^([^":]+(?::[^":]+)*?):(.*)$/su.exec(token)
  if (named !== null && r.fields.has(named[1]!)) {
    if (named[2] !== '') return readLeaf(r, named[1]!, named[2]!)
    if (r.tokens[r.at + 1] === '(' && r.partners[r.at + 1]! >= 0) {
      r.at++
      return readGroup(r, named[1]!)
    }
  }
  return readLeaf(r, field, token)
}

function readGroup(r: Reader, field: string | undefined): TextQuery | undefined {
  const close = r.partners[r.at]!
  r.at++
  if (close < 0) return undefined
  const query = readOr(r, close, field)
  r.at = close + 1
  return query
}

function readLeaf(r: Reader, field: string | undefined, token: string): TextQuery | undefined {
  r.at++
  if (!HAS_WORD.test(token) || r.leaves >= MAX_LEAVES) return undefined
  r.leaves++
  const within = field === undefined ? undefined : { field }
  return Object.freeze({ ...leafOf(token), ...within })
}

function leafOf(token: string): TextLeaf {
  const quote = token.indexOf('"')
  if (quote >= 0) return { kind: 'phrase', text: token.slice(quote).replaceAll('"', '') }
  const prefix = PREFIX.exec(token)
  if (prefix !== null && isWord(prefix[1]!)) return { kind: 'prefix', text: prefix[1]! }
  const fuzzy = FUZZY.exec(token)
  if (fuzzy !== null && isWord(fuzzy[1]!)) return { kind: 'fuzzy', text: fuzzy[1]!, edits: fuzzy[2] === '2' ? 2 : 1 }
  return { kind: 'term', text: token }
}

/** Only a single run of letters can be looked for by its beginning or with errors. */
function isWord(text: string): boolean {
  return /^[\p{L}\p{N}\p{M}]+$/u.test(text)
}
