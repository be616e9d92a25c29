/** Texts and searches over few words, so that words meet. */
import fc from 'fast-check'
import type { FieldText } from '../../src/text/text-fields.ts'
import type { TextQuery } from '../../src/text/text-query.ts'

const WORDS = ['log', 'login', 'logon', 'page', 'pages', 'a', 'ab', 'abc', 'b', 'broken', 'café', 'über', '🐛', 'x1']

export const word: fc.Arbitrary<string> = fc.constantFrom(...WORDS)
const plainWord = fc.constantFrom('log', 'login', 'logon', 'page', 'pages', 'a', 'ab', 'abc', 'b', 'broken', 'cafe')

const sentence = fc.array(word, { maxLength: 12 }).map((words) => words.join(' '))

export const fieldText: fc.Arbitrary<FieldText> = fc.oneof(
  { weight: 6, arbitrary: sentence },
  { weight: 2, arbitrary: fc.array(sentence, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constant(undefined) },
)

export const texts: fc.Arbitrary<FieldText[]> = fc.tuple(fieldText, fieldText)

const field = fc.option(fc.constantFrom('title', 'body'), { nil: undefined, freq: 3 })

function withField<T extends object>(leaf: T, name: string | undefined): T {
  return name === undefined ? leaf : { ...leaf, field: name }
}

const leaf: fc.Arbitrary<TextQuery> = fc.oneof(
  fc.tuple(plainWord, field).map(([text, f]) => withField({ kind: 'term' as const, text }, f)),
  fc
    .tuple(fc.array(plainWord, { minLength: 1, maxLength: 3 }), field)
    .map(([words, f]) => withField({ kind: 'phrase' as const, text: words.join(' ') }, f)),
  fc
    .tuple(fc.constantFrom('l', 'lo', 'logi', 'p', 'a', 'caf', 'zz'), field)
    .map(([text, f]) => withField({ kind: 'prefix' as const, text }, f)),
  fc
    .tuple(fc.constantFrom('logn', 'paje', 'ab', 'brokne', 'q'), fc.constantFrom(1 as const, 2 as const), field)
    .map(([text, edits, f]) => withField({ kind: 'fuzzy' as const, text, edits }, f)),
)

export const query: fc.Arbitrary<TextQuery> = fc.letrec<{ query: TextQuery }>((tie) => ({
  query: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    leaf,
    fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), of: fc.array(tie('query'), { maxLength: 4 }) }),
    fc.record({ kind: fc.constant('not' as const), of: tie('query') }),
  ),
})).query
