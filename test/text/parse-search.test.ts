import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseSearch } from '../../src/text/parse-search.ts'
import { MAX_LEAVES, MAX_QUERY_DEPTH, type TextQuery, textOfQuery } from '../../src/text/text-query.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'

function read(text: string): string {
  return textOfQuery(parseSearch(text, ['title', 'author.name']))
}

function depthOf(query: TextQuery): number {
  if (query.kind === 'not') return 1 + depthOf(query.of)
  return query.kind === 'and' || query.kind === 'or' ? 1 + Math.max(0, ...query.of.map(depthOf)) : 0
}

function leavesOf(query: TextQuery): number {
  if (query.kind === 'not') return leavesOf(query.of)
  if (query.kind === 'and' || query.kind === 'or') return query.of.reduce((sum, part) => sum + leavesOf(part), 0)
  return 1
}

function checkFrozen(query: TextQuery): void {
  expect(Object.isFrozen(query)).toBe(true)
  if (query.kind === 'not') checkFrozen(query.of)
  if (query.kind === 'and' || query.kind === 'or') {
    expect(Object.isFrozen(query.of)).toBe(true)
    query.of.forEach(checkFrozen)
  }
}

const piece = fc.constantFrom(
  ...[
    'login',
    'OR',
    'NOT',
    'AND',
    '-',
    '"',
    '(',
    ')',
    ' ',
    ' ',
    'title:',
    'x:',
    '*',
    '~',
    '~2',
    'é',
    '東京',
    ':',
    '-(',
  ],
)

describe('the syntax of a search box', () => {
  it('reads its operators', () => {
    expect(parseSearch('login broken')).toEqual({
      kind: 'and',
      of: [
        { kind: 'term', text: 'login' },
        { kind: 'term', text: 'broken' },
      ],
    })
    expect(parseSearch('logn~ x~2', [])).toEqual({
      kind: 'and',
      of: [
        { kind: 'fuzzy', text: 'logn', edits: 1 },
        { kind: 'fuzzy', text: 'x', edits: 2 },
      ],
    })
    expect(parseSearch('title:"a b"', ['title'])).toEqual({ kind: 'phrase', text: 'a b', field: 'title' })
    expect(read('a OR b c')).toBe('a OR (b c)')
    expect(read('a b OR c -d')).toBe('(a b) OR (c -d)')
    expect(read('(a OR b) c')).toBe('(a OR b) c')
    expect(read('a NOT b')).toBe('a -b')
    expect(read('a NOT (b OR c)')).toBe('a -(b OR c)')
    expect(read('a -"b c" -(d e)')).toBe('a -"b c" -(d e)')
    expect(read('a AND b')).toBe('a b')
    expect(read('logi* OR logn~1 OR logn~2')).toBe('logi* OR logn~ OR logn~2')
    expect(read('title:login author.name:ada*')).toBe('title:login author.name:ada*')
    expect(read('title:(a OR -b "c d")')).toBe('title:a OR (-title:b title:"c d")')
    expect(read('-title:a')).toBe('-title:a')
  })

  it('reads as words what cannot be read otherwise', () => {
    expect(read('http://example.com:80')).toBe('http://example.com:80')
    expect(read('other:word')).toBe('other:word')
    expect(read('re-open e-mail')).toBe('re-open e-mail')
    expect(read('or not and')).toBe('or not and')
    expect(read('OR a')).toBe('OR a')
    expect(read('a OR')).toBe('a OR')
    expect(read('NOT')).toBe('NOT')
    expect(read('a NOT')).toBe('a NOT')
    expect(read('a "b c')).toBe('a b c')
    expect(read('a (b c')).toBe('a b c')
    expect(read('a) b')).toBe('a b')
    expect(read('x~3 a*b *a')).toBe('x~3 a*b *a')
    expect(read('title: a')).toBe('title: a')
    expect(read('a"b"c')).toBe('a "b" c')
  })

  it('finds nothing when there is no word', () => {
    for (const text of ['', '  ', '*', '-', '()', '""', '( - )', '~', ':', '🐛']) expect(read(text)).toBe('nothing')
  })

  it('never throws, and gives a frozen query within its bounds that JSON keeps', () => {
    const any = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.array(piece, { maxLength: 40 }).map((p) => p.join('')),
    )
    fc.assert(
      fc.property(any, (text) => {
        const query = parseSearch(text, ['title'])
        checkFrozen(query)
        expect(depthOf(query)).toBeLessThanOrEqual(MAX_QUERY_DEPTH)
        expect(JSON.parse(JSON.stringify(query))).toEqual(query)
        expect(typeof textOfQuery(query)).toBe('string')
      }),
      { seed: seed(), numRuns: effort(2_000) },
    )
  })

  it('bounds depth and words of any text', () => {
    const deep = `${'(a OR ('.repeat(5_000)}b${'))'.repeat(5_000)}`
    expect(depthOf(parseSearch(deep))).toBeLessThanOrEqual(MAX_QUERY_DEPTH)
    const negated = `${'-('.repeat(5_000)}b${')'.repeat(5_000)}`
    expect(depthOf(parseSearch(negated))).toBeLessThanOrEqual(MAX_QUERY_DEPTH)
    expect(leavesOf(parseSearch('a '.repeat(10_000)))).toBe(MAX_LEAVES)
  })

  it('is read again from its text as the same', () => {
    const texts = fc.array(fc.constantFrom('a', 'b*', 'c~', '"d e"', '-f', 'OR', '(g OR h)', 'title:i'), {
      maxLength: 12,
    })
    fc.assert(
      fc.property(texts, (parts) => {
        const query = parseSearch(parts.join(' '), ['title'])
        const text = textOfQuery(query)
        if (text !== 'nothing') expect(parseSearch(text, ['title'])).toEqual(query)
      }),
      { seed: seed(), numRuns: effort(500) },
    )
  })
})
