/**
 * The parser of regular expressions (see regex.ts). It runs after the platform's own engine has accepted the syntax,
 * so what it meets is well-formed; what remains is to find the structure and to refuse what linear time cannot do.
 */

import { type CharTest, charTest } from './char-test.ts'

export type RegexNode =
  | { readonly kind: 'char'; readonly test: CharTest }
  | { readonly kind: 'sequence'; readonly of: readonly RegexNode[] }
  | { readonly kind: 'choice'; readonly of: readonly RegexNode[] }
  | { readonly kind: 'repeat'; readonly of: RegexNode; readonly min: number; readonly max: number }
  | { readonly kind: 'assert'; readonly what: 'start' | 'end' | 'word' | 'notWord' }

/** Why a well-formed pattern is not taken. Becomes INVALID_QUERY at the border. */
export class RegexRefusal extends Error {}

/** Groups nested deeper than this are nobody's pattern. */
const MAX_GROUP_DEPTH = 64

interface Reader {
  readonly source: string
  readonly flags: string
  readonly unicode: boolean
  at: number
  depth: number
}

/** The tree of a pattern that the platform's engine has accepted. */
export function parseRegex(source: string, flags: string): RegexNode {
  return parseChoice({ source, flags, unicode: flags.includes('u'), at: 0, depth: 0 })
}

function parseChoice(r: Reader): RegexNode {
  const of: RegexNode[] = [parseSequence(r)]
  while (r.source[r.at] === '|') {
    r.at++
    of.push(parseSequence(r))
  }
  return of.length === 1 ? of[0]! : { kind: 'choice', of }
}

function parseSequence(r: Reader): RegexNode {
  const of: RegexNode[] = []
  while (r.at < r.source.length && r.source[r.at] !== '|' && r.source[r.at] !== ')') of.push(parseTerm(r))
  return { kind: 'sequence', of }
}

function parseTerm(r: Reader): RegexNode {
  switch (r.source[r.at]) {
    case '^':
      r.at++
      return { kind: 'assert', what: 'start' }
    case '$':
      r.at++
      return { kind: 'assert', what: 'end' }
    case '(':
      return parseQuantifier(r, parseGroup(r))
    case '\\':
      if (r.source[r.at + 1] === 'b' || r.source[r.at + 1] === 'B') {
        r.at += 2
        return { kind: 'assert', what: r.source[r.at - 1] === 'b' ? 'word' : 'notWord' }
      }
      return parseQuantifier(r, parseChar(r, sizeOfEscape(r)))
    case '[':
      return parseQuantifier(r, parseChar(r, sizeOfClass(r)))
    default:
      return parseQuantifier(r, parseChar(r, r.unicode && r.source.codePointAt(r.at)! > 0xffff ? 2 : 1))
  }
}

function parseGroup(r: Reader): RegexNode {
  const head = /\((?:\?(?:[=!:]|<(?:[=!]|[^>]*>)|[^:)]*:))?/y
  head.lastIndex = r.at
  const open = head.exec(r.source)![0]
  if (/^\(\?<?[=!]$/.test(open)) throw new RegexRefusal(`a look-around '${open}…)', which is not supported`)
  if (/^\(\?[^:<]/.test(open)) throw new RegexRefusal(`the group '${open}…)', which is not supported`)
  if (++r.depth > MAX_GROUP_DEPTH) throw new RegexRefusal(`groups nested deeper than ${MAX_GROUP_DEPTH}`)
  r.at += open.length
  const body = parseChoice(r)
  r.at++
  r.depth--
  return body
}

function parseQuantifier(r: Reader, of: RegexNode): RegexNode {
  const quantifier = /(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/y
  quantifier.lastIndex = r.at
  const found = quantifier.exec(r.source)
  if (found === null) return of
  r.at += found[0].length
  switch (found[0][0]) {
    case '*':
      return { kind: 'repeat', of, min: 0, max: Number.POSITIVE_INFINITY }
    case '+':
      return { kind: 'repeat', of, min: 1, max: Number.POSITIVE_INFINITY }
    case '?':
      return { kind: 'repeat', of, min: 0, max: 1 }
    default: {
      const min = Number(found[1])
      const max = found[2] === '' ? min : found[3] === '' ? Number.POSITIVE_INFINITY : Number(found[3])
      return { kind: 'repeat', of, min, max }
    }
  }
}

function parseChar(r: Reader, size: number): RegexNode {
  const text = r.source.slice(r.at, r.at + size)
  r.at += size
  return { kind: 'char', test: charTest(text, r.flags) }
}

/** Where a class ends: its first `]` that no backslash precedes. */
function sizeOfClass(r: Reader): number {
  let end = r.at + 1
  while (r.source[end] !== ']') end += r.source[end] === '\\' ? 2 : 1
  return end + 1 - r.at
}

/** How long the escape at the reader is. In a pattern without `u`, one that is cut short means its letter. */
function sizeOfEscape(r: Reader): number {
  const rest = r.source.slice(r.at)
  if (/^\\[1-9k]/.test(rest)) throw new RegexRefusal(`a back-reference '${rest.slice(0, 2)}', which is not supported`)
  if (/^\\0\d/.test(rest)) throw new RegexRefusal('an octal escape, which is not supported (write \\xHH)')
  const long = r.unicode
    ? /^\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[a-zA-Z]|[pP]\{[^}]*\})/
    : /^\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[a-zA-Z])/
  const found = long.exec(rest)
  if (found !== null) return found[0].length
  // `\c` without a letter is a backslash and then a `c`: Annex B of the language.
  if (rest[1] === 'c') return 1
  return r.unicode && rest.codePointAt(1)! > 0xffff ? 3 : 2
}
