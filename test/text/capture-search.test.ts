import { describe, expect, it } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import { captureSearch } from '../../src/text/capture-search.ts'
import { MAX_LEAVES, textOfQuery } from '../../src/text/text-query.ts'

function read(object: unknown): string {
  return textOfQuery(captureSearch(object, ['title', 'body']))
}

function refusal(object: unknown): string | undefined {
  try {
    captureSearch(object, ['title', 'body'])
    return undefined
  } catch (error) {
    return isBlazeError(error, 'INVALID_QUERY') ? error.details.path : String(error)
  }
}

describe('the object form of a search', () => {
  it('asks for all that it says', () => {
    expect(read({ all: 'login broken' })).toBe('login broken')
    expect(read({ all: ['login'], any: ['a', 'b'], none: 'c' })).toBe('login (a OR b) -c')
    expect(read({ phrase: 'not found' })).toBe('"not found"')
    expect(read({ phrase: ['a b', 'c d'], prefix: 'logi', fuzzy: 'logn' })).toBe('"a b" "c d" logi* logn~')
    expect(read({ fuzzy: [{ word: 'logn', edits: 2 }, { word: 'x' }] })).toBe('logn~2 x~')
    expect(read({ any: ['a', { all: ['b', 'c'], field: 'body' }], field: 'title' })).toBe('title:a OR (body:b body:c)')
  })

  it('refuses what it does not understand, with the path', () => {
    expect(refusal('login')).toBe('search')
    expect(refusal(null)).toBe('search')
    expect(refusal({})).toBe('search')
    expect(refusal({ none: 'a' })).toBe('search')
    expect(refusal({ al: 'a' })).toBe('search.al')
    expect(refusal({ all: undefined })).toBe('search.all')
    expect(refusal({ all: [] })).toBe('search.all')
    expect(refusal({ all: '  ' })).toBe('search.all')
    expect(refusal({ all: ['a', 1] })).toBe('search.all[1]')
    expect(refusal({ all: ['a', '!'] })).toBe('search.all[1]')
    expect(refusal({ any: [{ phrase: 2 }] })).toBe('search.any[0].phrase')
    expect(refusal({ phrase: [] })).toBe('search.phrase')
    expect(refusal({ prefix: ['a', 'a b'] })).toBe('search.prefix[1]')
    expect(refusal({ fuzzy: { word: 'a', edits: 3 } })).toBe('search.fuzzy.edits')
    expect(refusal({ fuzzy: [{ wort: 'a' }] })).toBe('search.fuzzy[0]')
    expect(refusal({ all: 'a', field: 'tags' })).toBe('search.field')
    expect(refusal({ all: 'a '.repeat(MAX_LEAVES + 1) })).toBe('search.all')
    expect(refusal({ all: new (class Words {})() })).toBe('search.all')
  })

  it('refuses an object that is nested without end', () => {
    const loop: { any: unknown[] } = { any: [] }
    loop.any.push(loop)
    expect(refusal(loop)).toMatch(/^search\.any\[0]/)
  })

  it('keeps nothing of the object it was given', () => {
    const all = ['a', 'b']
    const query = captureSearch({ all }, [])
    all.push('c')
    expect(textOfQuery(query)).toBe('a b')
    expect(Object.isFrozen(query)).toBe(true)
  })
})
