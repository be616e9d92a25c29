import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foldWord } from '../../src/text/fold.ts'
import { newWordList, tokenize } from '../../src/text/tokenize.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'

function words(text: string): { readonly word: string; readonly start: number; readonly end: number }[] {
  const list = newWordList()
  tokenize('what was there before', list)
  tokenize(text, list)
  return Array.from({ length: list.count }, (_, i) => ({
    word: list.words[i]!,
    start: list.starts[i]!,
    end: list.ends[i]!,
  }))
}

function plainWords(text: string): string[] {
  return words(text).map(({ word }) => word)
}

const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc
    .array(
      fc.constantFrom(
        'Hello',
        ' ',
        'ÄÖ',
        'ß',
        "don't",
        '東京都に住む',
        'ภาษาไทย',
        'İ',
        '\ud800',
        'ﬁn',
        '한국어',
        '-',
        'कि',
      ),
    )
    .map((parts) => parts.join('')),
)

describe('the tokenizer', () => {
  it('gives words whose places hold what folds to them, rising and without overlap', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        let before = 0
        for (const { word, start, end } of words(text)) {
          expect(start).toBeGreaterThanOrEqual(before)
          expect(end).toBeGreaterThan(start)
          expect(foldWord(text.slice(start, end))).toBe(word)
          before = end
        }
      }),
      { seed: seed(), numRuns: effort(400) },
    )
  })

  it('leaves no letter or digit out', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const rest = [...text]
        let at = 0
        const places = words(text)
        for (const char of rest) {
          const isCovered = places.some(({ start, end }) => at >= start && at < end)
          // Of scripts without spaces the platform's dictionary says what is a word.
          if (/[a-zA-Z0-9äöüßéÄÖ한국어]/u.test(char)) expect(isCovered).toBe(true)
          if (/[\s\p{P}]/u.test(char) && /^[\0-\x7f]$/.test(char)) expect(isCovered).toBe(false)
          at += char.length
        }
      }),
      { seed: seed(), numRuns: effort(400) },
    )
  })

  it('does the same with and without its short way for ASCII', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
        expect(words(`${text} é`).slice(0, -1)).toEqual(words(text))
      }),
      { seed: seed(), numRuns: effort(300) },
    )
  })

  it('divides at everything that is neither letter, digit nor mark', () => {
    expect(plainWords("Café-Bar: don't say snake_case, x2@example.com 3.14 🐛!")).toEqual([
      'cafe',
      'bar',
      'don',
      't',
      'say',
      'snake',
      'case',
      'x2',
      'example',
      'com',
      '3',
      '14',
    ])
    expect(plainWords('l’heure\u00a0d’été')).toEqual(['l', 'heure', 'd', 'ete'])
    expect(plainWords(' \n…')).toEqual([])
  })

  it('finds the words of scripts that are written without spaces, also beside others', () => {
    expect(plainWords('東京でBlazeDBを使う')).toContain('東京')
    expect(plainWords('東京でBlazeDBを使う')).toContain('blazedb')
    expect(plainWords('ภาษาไทย').length).toBeGreaterThan(1)
    expect(plainWords('한국어 문서')).toEqual(['한국어', '문서'])
  })
})

describe('folding', () => {
  it('is idempotent', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(foldWord(foldWord(text))).toBe(foldWord(text))
      }),
      { seed: seed(), numRuns: effort(1_000) },
    )
    for (let code = 0; code < 0x30000; code++) {
      const folded = foldWord(String.fromCodePoint(code))
      if (foldWord(folded) !== folded) expect.fail(`U+${code.toString(16)}`)
    }
  })

  it('makes one word of what people type for each other', () => {
    const same = [
      ['Straße', 'STRASSE', 'strasse'],
      ['naïve', 'NAI\u0308VE', 'naive'],
      ['Łódź', 'lodz'],
      ['ÆON', 'aeon'],
      ['ΟΔΟΣ', 'οδος', 'οδοσ'],
      ['İstanbul', 'istanbul', 'ıstanbul'],
      ['ﬁle', 'file'],
      ['Ｗｉｄｅ', 'wide'],
      ['ёлка', 'елка'],
      ['كِتَاب', 'كتاب'],
    ]
    for (const [first, ...others] of same) for (const other of others) expect(foldWord(other)).toBe(foldWord(first!))
  })

  it('keeps marks that make another letter or are a vowel', () => {
    expect(foldWord('が')).not.toBe(foldWord('か'))
    expect(foldWord('कि')).not.toBe(foldWord('क'))
    expect([...foldWord('한')].length).toBe(1)
  })
})
