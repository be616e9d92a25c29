import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import { compileRegex } from '../../src/query/regex.ts'
import { seed } from '../support/seed.ts'

/** Patterns of the supported syntax over a small alphabet, so that they match often. */
const atom = fc.constantFrom(
  'a', 'b', 'K', 'k', 's', 'ſ', 'é', 'É', '.', '-', '1', '_', ' ', '\\d', '\\D', '\\w', '\\W', '\\s', '\\S', '\\.', '\\n', '\\x41', '\\u0061', '\\t',
  '[ab]', '[^ab]', '[a-c]', '[A-Z0-9]', '[\\w-]', '[^\\s]', '[]', '[^]', '[\\]]', '😀', '[^a-z]', '\\/', '[\\b]', 'ß', 'Σ',
) // biome-ignore format: a table
const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{0,2}', '{1,}', '{0}', '*?', '+?', '{1,3}?')
const edge = fc.constantFrom('^', '$', '\\b', '\\B')
const { pattern } = fc.letrec<{ pattern: string; sequence: string; term: string; group: string }>((tie) => ({
  pattern: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('|')),
  sequence: fc.array(tie('term'), { maxLength: 4 }).map((parts) => parts.join('')),
  term: fc.oneof(
    { maxDepth: 2, depthIdentifier: 'regex' },
    fc.tuple(atom, quantifier).map((parts) => parts.join('')),
    edge,
    tie('group'),
  ),
  group: fc
    .tuple(fc.constantFrom('(', '(?:', '(?<name>'), tie('pattern'), quantifier)
    .map(([open, body, count]) => `${open}${body})${count}`),
}))
const text = fc.string({
  unit: fc.constantFrom('a', 'b', 'c', 'A', 'k', 'K', '\u212a', 's', 'ſ', 'é', 'É', '1', '_', ' ', '\n', '-', '.', '😀', '\ud83d', '\ude00', 'ß', 'ẞ', 'σ', 'ς'),
  maxLength: 8,
}) // biome-ignore format: a table
const flags = fc.constantFrom('', 'i', 's', 'u', 'iu', 'is', 'su', 'isu')

function nativeOrUndefined(source: string, flag: string): RegExp | undefined {
  try {
    return new RegExp(source, flag)
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError)
    return undefined
  }
}

describe('regex', () => {
  it('finds what the language itself finds', () => {
    let compared = 0
    fc.assert(
      fc.property(pattern, flags, fc.array(text, { minLength: 1, maxLength: 6 }), (source, flag, texts) => {
        const native = nativeOrUndefined(source, flag)
        if (native === undefined) return // two groups of one name
        const ours = compileRegex(source, flag, 'x')
        for (const one of texts) {
          compared++
          expect(ours.test(one), `/${source}/${flag} on ${JSON.stringify(one)}`).toBe(native.test(one))
        }
      }),
      { seed: seed(), numRuns: 2_000 },
    )
    expect(compared).toBeGreaterThan(2_000)
  })

  it.each([
    ['a{', 'a{'],
    ['a{,2}', 'a{,2}'],
    ['x{1', 'x{1'],
    [']', ']'],
    ['}', '}'],
    ['\\c', '\\c'],
    ['\\cA', '\u0001'],
    ['\\u12', 'u12'],
    ['\\x4', 'x4'],
    ['\\p{L}', 'p{L}'],
    ['\\0', '\u0000'],
    ['[\\]a]+', ']a]'],
    ['^$', ''],
    ['(?:)', ''],
    ['', ''],
  ])('reads the odd corner %s as the language does', (source, sample) => {
    const native = new RegExp(source)
    const ours = compileRegex(source, '', 'x')
    for (const one of [sample, `x${sample}y`, 'a', '']) expect(ours.test(one)).toBe(native.test(one))
  })

  it.each(['\\p{L}+', '\\u{1F600}', '\\uD83D\\uDE00', '[😀-😎]', '^.$', '\\P{Lu}'])(
    'reads %s with the flag u',
    (source) => {
      for (const one of ['😀', 'a', 'É', '\ud83d', '1', 'ab']) {
        expect(compileRegex(source, 'u', 'x').test(one), one).toBe(new RegExp(source, 'u').test(one))
      }
    },
  )

  it('takes linear time for patterns that make others backtrack for ever', () => {
    const long = `${'a'.repeat(20_000)}!`
    for (const source of [
      '(a+)+$',
      '^(a|a)*$',
      '(a|aa)+$',
      '(.*a){12}$',
      '^(([a-z])+.)+[A-Z]([a-z])+$',
      '(?:a?){40}a{40}$',
      '(x+x+)+y',
    ]) {
      expect(compileRegex(source, '', 'x').test(long), source).toBe(false)
    }
  })

  it('stays right when its kept states are dropped and built again', () => {
    const source = '(a|b)*a(a|b){9}$'
    const ours = compileRegex(source, '', 'x')
    let bits = 1
    let long = ''
    for (let i = 0; i < 5_000; i++) {
      bits = (Math.imul(bits, 1_103_515_245) + 12_345) >>> 0
      long += (bits >>> 16) & 1 ? 'a' : 'b'
    }
    for (let end = 4_000; end < 4_050; end++) {
      expect(ours.test(long.slice(0, end))).toBe(long[end - 10] === 'a')
    }
  })

  it('stays right over more different characters than it keeps steps for', () => {
    const ours = compileRegex('[^\\u0100-\\uffff]z$', '', 'x')
    let wide = ''
    for (let code = 0x100; code < 0x3000; code++) wide += String.fromCharCode(code)
    expect(ours.test(`${wide}z`)).toBe(false)
    expect(ours.test(`${wide}yz`)).toBe(true)
  })

  it.each([
    ['(?=a)', ''],
    ['(?!a)', ''],
    ['(?<=a)b', ''],
    ['(?<!a)b', ''],
    ['(a)\\1', ''],
    ['(?<n>a)\\k<n>', ''],
    ['(', ''],
    ['a{2,1}', ''],
    ['[b-a]', ''],
    ['\\1', ''],
    ['\\01', ''],
    ['a', 'g'],
    ['a', 'm'],
    ['a', 'y'],
    ['a', 'ii'],
    ['(a{100}){100}', ''],
    ['(((a{1000}){1000}){1000}){1000}', ''],
    ['a{0,99999999999}', ''],
    ['a'.repeat(2_001), ''],
    ['('.repeat(100) + ')'.repeat(100), ''],
  ])('refuses %s with flags %s and says where it stands', (source, flag) => {
    let thrown: unknown
    try {
      compileRegex(source, flag, 'title.regex')
    } catch (error) {
      thrown = error
    }
    expect(isBlazeError(thrown, 'INVALID_QUERY') && thrown.details.path).toBe('title.regex')
  })

  it('repeats nothing any number of times at no cost', () => {
    expect(compileRegex('^(?:){999999999}$', '', 'x').test('')).toBe(true)
  })
})
