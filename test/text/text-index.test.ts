import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import { parseSearch } from '../../src/text/parse-search.ts'
import type { PreparedSearch } from '../../src/text/prepared-search.ts'
import type { FieldText } from '../../src/text/text-fields.ts'
import { TextIndex } from '../../src/text/text-index.ts'
import type { TextQuery } from '../../src/text/text-query.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { query, texts, word } from './arbitraries.ts'
import { naiveLength, naiveScore, wordsOf } from './naive.ts'

const SPEC = { fields: [{ path: 'title', weight: 2.5 }, { path: 'body' }] }
const NAIVE_SPEC = { fields: ['title', 'body'], weights: [2.5, 1] }
const EVERYTHING = { isSure: () => true }
const bySlot = (a: number, b: number): number => a - b

type Model = Map<number, { readonly commit: number; readonly texts: readonly FieldText[] }>

function merged(index: TextIndex): TextIndex {
  while (index.merge(1_000)) {
    // until there is nothing to merge
  }
  return index
}

function copyOf(index: TextIndex): TextIndex {
  const pieces = [...index.save()]
  for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(65_536)
  return TextIndex.load(index.spec, pieces)!
}

/** Everything a search can be asked, against the plain way. */
function checkSearch(index: TextIndex, model: Model, vocabulary: ReadonlySet<string>, asked: TextQuery): void {
  const search = index.prepare(asked)
  const lengths = [...model.values()].map((document) => naiveLength(document.texts, NAIVE_SPEC))
  const averageLength = lengths.reduce((a, b) => a + b, 0) / Math.max(1, lengths.length)
  expect(index.statistics().averageLength).toBeCloseTo(averageLength, 9)
  const statistics = {
    documents: model.size,
    averageLength: averageLength || 1,
    frequencyOf: (w: string) => index.frequencyOf(w),
    vocabulary,
  }
  const expected = new Map<number, number>()
  for (const [slot, document] of model) {
    const score = naiveScore(asked, document.texts, NAIVE_SPEC, statistics)
    if (score !== undefined) expected.set(slot, score)
  }
  const slots = [...expected.keys()].sort(bySlot)
  expect([...search.matches(EVERYTHING)]).toEqual(slots)
  expect(search.count(EVERYTHING)).toBe(slots.length)
  const all = search.top(1_000_000, bySlot, EVERYTHING)
  expect([...all.slots].sort(bySlot)).toEqual(slots)
  all.slots.forEach((slot, i) => {
    expectClose(all.scores[i]!, expected.get(slot)!)
    // Bit by bit: a version judged by itself ties with the same version indexed.
    expect(search.score(model.get(slot)!.texts)).toBe(all.scores[i])
    const isInOrder =
      i === 0 ||
      all.scores[i - 1]! > all.scores[i]! ||
      (all.scores[i - 1] === all.scores[i] && all.slots[i - 1]! < slot)
    expect(isInOrder).toBe(true)
  })
  checkTops(search, all)
  for (const [slot, document] of model) {
    if (!expected.has(slot)) expect(search.score(document.texts)).toBeUndefined()
  }
}

function checkTops(search: PreparedSearch, all: { readonly slots: Uint32Array; readonly scores: Float64Array }): void {
  for (const limit of [0, 1, 3]) {
    const top = search.top(limit, bySlot, EVERYTHING)
    expect([...top.slots]).toEqual([...all.slots.slice(0, limit)])
    expect([...top.scores]).toEqual([...all.scores.slice(0, limit)])
  }
  const odd = { isSure: (slot: number) => slot % 4 !== 0, accepts: (slot: number) => slot % 2 === 1 }
  const seen = [...all.slots].filter((slot) => slot % 2 === 1)
  expect([...search.top(2, bySlot, odd).slots]).toEqual(seen.slice(0, 2))
  expect([...search.matches(odd)]).toEqual(seen.sort(bySlot))
}

function expectClose(found: number, expected: number): void {
  expect(Math.abs(found - expected)).toBeLessThanOrEqual(1e-9 * expected + 1e-10)
}

describe('a text index', () => {
  it('finds and ranks what a plain look at every document does, through puts, removes, merges and images', () => {
    const step = fc.oneof(
      { weight: 20, arbitrary: fc.record({ do: fc.constant('put' as const), slot: fc.nat(40), texts }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('remove' as const), slot: fc.nat(45) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('freeze' as const) }) },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('merge' as const), budget: fc.integer({ min: 1, max: 50 }) }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('reload' as const) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('search' as const), query }) },
    )
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 80 }), query, (steps, last) => {
        let index = new TextIndex(SPEC)
        const model: Model = new Map()
        const vocabulary = new Set<string>()
        let commit = 0
        for (const s of steps) {
          switch (s.do) {
            case 'put':
              index.put(s.slot, ++commit, s.texts)
              model.set(s.slot, { commit, texts: s.texts })
              for (const { word } of wordsOf(s.texts)) vocabulary.add(word)
              break
            case 'remove':
              index.remove(s.slot)
              model.delete(s.slot)
              break
            case 'freeze':
              // An image makes a segment of what is in memory.
              index.save()
              break
            case 'merge':
              index.merge(s.budget)
              break
            case 'reload':
              index = copyOf(index)
              break
            case 'search':
              checkSearch(index, model, vocabulary, s.query)
          }
          expect(index.statistics().documents).toBe(model.size)
        }
        checkSearch(index, model, vocabulary, last)
        checkSearch(merged(index), model, vocabulary, last)
        for (const [slot, document] of model) expect(index.commitOf(slot)).toBe(document.commit)
        for (let slot = 0; slot < 50; slot++) expect(index.commitOf(slot)).toBe(model.get(slot)?.commit)
      }),
      { seed: seed(), numRuns: effort(250) },
    )
  })

  it('finds and ranks the same in segments of many blocks as by looking at every document', () => {
    const random = mulberry(seed())
    const words = Array.from({ length: 60 }, (_, i) => `w${i.toString(36)}`)
    // Low numbers come often, high ones seldom, as words do.
    const pick = (): string => words[Math.floor(random() ** 3 * words.length)]!
    const index = new TextIndex(SPEC)
    const model: Model = new Map()
    for (let i = 0; i < 3_500; i++) {
      const slot = Math.floor(random() * 1_600)
      const document = [sentence(pick, random() * 6), sentence(pick, random() * 20)]
      index.put(slot, i + 1, document)
      model.set(slot, { commit: i + 1, texts: document })
      if (i % 100 === 0) index.merge(2_000)
    }
    const vocabulary = new Set(words)
    for (const text of [
      'w0 w1',
      'w0 OR w9 OR wh',
      '"w0 w1"',
      'wz OR w0',
      'w0 -w1 -w2',
      'w1*',
      'title:w3 w0~ OR (w5 w6)',
    ]) {
      checkSearch(index, model, vocabulary, parseSearch(text, ['title', 'body']))
    }
    merged(index)
    for (const text of ['w0 w1 w2', 'w0 OR w9 OR wh', 'wz w0', 'wz OR wy OR w0']) {
      checkSearch(index, model, vocabulary, parseSearch(text))
      checkSearch(copyOf(index), model, vocabulary, parseSearch(text))
    }
    expect(index.statistics().dead).toBeLessThan(1_600 / 2)
  })

  it('does not pass over the best document because it comes late in a window of poor ones', () => {
    const index = new TextIndex({ fields: [{ path: 'text' }] })
    const best = 8_000
    for (let slot = 0; slot < 9_000; slot++) {
      index.put(slot, slot + 1, [
        slot === 10 ? 'word word' : slot === best ? 'word word word' : 'a word in a longer text',
      ])
    }
    merged(index)
    for (const text of ['word', 'word OR none', 'word -none']) {
      expect([...index.prepare(parseSearch(text)).top(1, bySlot, EVERYTHING).slots]).toEqual([best])
    }
  })

  it('never lets a phrase go from one element of an array, or one field, to the next', () => {
    const index = new TextIndex(SPEC)
    index.put(1, 1, ['login', ['page broken', 'again and', 'again']])
    index.save()
    index.put(2, 2, ['login page', ['broken', 'again']])
    const found = (text: string): number[] => [...index.prepare(parseSearch(text)).matches(EVERYTHING)]
    expect(found('"login page"')).toEqual([2])
    expect(found('"page broken"')).toEqual([1])
    expect(found('"broken again"')).toEqual([])
    expect(found('"and again"')).toEqual([])
    expect(found('"again and"')).toEqual([1])
    const phrase = index.prepare(parseSearch('"and again"'))
    expect(phrase.score(['login', ['page broken', 'again and', 'again']])).toBeUndefined()
    expect(phrase.score(['and', 'again'])).toBeUndefined()
    expect(phrase.score(['and', ['and again']])).toBeGreaterThan(0)
  })

  it('counts of a word only living documents once all is merged', () => {
    const index = new TextIndex(SPEC)
    for (const slots of [500, 250, 125]) {
      for (let slot = 0; slot < slots; slot++) index.put(slot, slot + 1, ['word', undefined])
      index.save()
    }
    expect(index.frequencyOf('word')).toBeGreaterThan(500)
    merged(index)
    expect(index.frequencyOf('word')).toBe(500)
    expect(index.statistics()).toMatchObject({ documents: 500, dead: 0 })
  })

  it('merges in steps of about the budget, beside puts and removes, and loses none of them', () => {
    const index = new TextIndex({ fields: [{ path: 'text' }] })
    for (let slot = 0; slot < 9_000; slot++) index.put(slot, slot + 1, [`all of${slot % 7} the words ${slot}`])
    let steps = 0
    const removed = new Set<number>()
    while (index.merge(500)) {
      const slot = (steps * 37) % 9_000
      if (steps++ % 2 === 0) {
        index.remove(slot)
        removed.add(slot)
      } else {
        index.put(slot, 10_000 + steps, ['anew'])
        removed.add(slot)
      }
    }
    expect(steps).toBeGreaterThan(50)
    const found = index.prepare(parseSearch('all')).matches(EVERYTHING)
    expect(found.length).toBe(9_000 - removed.size)
    expect([...found].some((slot) => removed.has(slot))).toBe(false)
  })

  it('gives an image of the moment of the call, whatever comes while it is taken', () => {
    const index = new TextIndex(SPEC)
    for (let slot = 0; slot < 3_000; slot++) index.put(slot, slot + 1, [`word${slot % 10}`, 'and more of them'])
    const image = index.save()[Symbol.iterator]()
    const pieces = [image.next().value!]
    for (let slot = 0; slot < 3_000; slot += 2) index.remove(slot)
    index.put(5_000, 9_000, ['word3', undefined])
    merged(index)
    for (let next = image.next(); next.done !== true; next = image.next()) pieces.push(next.value)
    const loaded = TextIndex.load(SPEC, pieces)!
    expect(loaded.statistics()).toMatchObject({ documents: 3_000, dead: 0 })
    expect(loaded.prepare(parseSearch('word3')).count(EVERYTHING)).toBe(300)
    expect(loaded.commitOf(2)).toBe(3)
    expect(loaded.commitOf(5_000)).toBeUndefined()
    const slots: number[] = []
    loaded.eachDocument((slot, commit) => {
      expect(commit).toBe(slot + 1)
      slots.push(slot)
    })
    expect(slots.length).toBe(3_000)
  })

  it('does not take an image of another declaration, and refuses a damaged one or reads it as a whole', () => {
    const index = new TextIndex(SPEC)
    for (let slot = 0; slot < 300; slot++) index.put(slot, slot + 1, [`word${slot % 10} café`, 'and more of more'])
    const [image] = [...index.save()] as [Uint8Array]
    expect(TextIndex.load({ fields: [{ path: 'title' }] }, [image])).toBeUndefined()
    expect(TextIndex.load({ ...SPEC, language: 'english' }, [image])).toBeUndefined()
    expect(TextIndex.load({ ...SPEC, stopWords: ['and'] }, [image])).toBeUndefined()
    for (let size = 0; size < image.length; size += 31) {
      expect(() => TextIndex.load(SPEC, [image.subarray(0, size)])).toThrow('is damaged')
    }
    expect(() => TextIndex.load(SPEC, [image, Uint8Array.of(0)])).toThrow('is damaged')
    const random = mulberry(seed())
    let refused = 0
    for (let i = 0; i < effort(500); i++) {
      const damaged = image.slice()
      damaged[Math.floor(random() * damaged.length)]! ^= 1 << Math.floor(random() * 8)
      try {
        const loaded = TextIndex.load(SPEC, [damaged])
        // What cannot be told from a right image must still be searched without harm.
        for (const text of ['word3', '"more of more"', 'wor*', 'cafe~2'])
          loaded?.prepare(parseSearch(text)).top(5, bySlot, EVERYTHING)
      } catch (error) {
        expect(isBlazeError(error, 'CODEC')).toBe(true)
        refused++
      }
    }
    expect(refused).toBeGreaterThan(effort(500) / 20)
  })

  it('refuses a search prepared before a change, and still judges texts by it', () => {
    const index = new TextIndex(SPEC)
    index.put(1, 1, ['login', undefined])
    const search = index.prepare(parseSearch('login'))
    index.put(2, 2, ['login', undefined])
    expect(() => search.matches(EVERYTHING)).toThrow('after its index had changed')
    expect(search.score(['the login', undefined])).toBeGreaterThan(0)
    expect(search.score(['page', undefined])).toBeUndefined()
  })

  it('refuses a declaration that cannot be, and a search in a field that is not declared', () => {
    expect(() => new TextIndex({ fields: [] })).toThrow('1 to 64 fields')
    expect(() => new TextIndex({ fields: [{ path: 'a' }, { path: 'a' }] })).toThrow('named twice')
    expect(() => new TextIndex({ fields: [{ path: 'a', weight: 0 }] })).toThrow('weight')
    const index = new TextIndex(SPEC)
    expect(() => index.prepare({ kind: 'term', text: 'a', field: 'c' })).toThrow("no field 'c'")
  })

  it('passes over stop words, and finds English words by their stems', () => {
    const index = new TextIndex({ fields: [{ path: 'text' }], language: 'english', stopWords: ['the', 'Of'] })
    index.put(1, 1, ['The running of the bulls'])
    index.put(2, 2, ['He ran'])
    const found = (text: string): number[] => [...index.prepare(parseSearch(text)).matches(EVERYTHING)]
    expect(found('runs')).toEqual([1])
    expect(found('the runs')).toEqual([1])
    expect(found('the')).toEqual([])
    expect(found('-the')).toEqual([])
    expect(found('the OR ran')).toEqual([2])
    expect(found('"running of the bull"')).toEqual([1])
    expect(found('"running the bull"')).toEqual([])
    expect(found('run*')).toEqual([1])
    expect(found('runn*')).toEqual([])
  })

  it('shows where the words are that were looked for, in the text as it was given', () => {
    const index = new TextIndex(SPEC)
    const given: FieldText[] = ['Café login', ['the LOGIN page', 'a broken page, login']]
    const shown = (text: string): string[] =>
      index
        .prepare(parseSearch(text, ['title', 'body']))
        .highlight(given)
        .map(({ field, element, start, end }) => {
          const source = given[field]
          const text = typeof source === 'string' ? source : source![element]!
          return `${field}.${element} ${text.slice(start, end)}`
        })
    expect(shown('login')).toEqual(['0.0 login', '1.0 LOGIN', '1.1 login'])
    expect(shown('cafe title:login')).toEqual(['0.0 Café', '0.0 login'])
    expect(shown('"login page"')).toEqual(['1.0 LOGIN', '1.0 page'])
    expect(shown('brok* -page')).toEqual(['1.1 broken'])
    expect(shown('logn~ OR caf~1')).toEqual(['0.0 Café', '0.0 login', '1.0 LOGIN', '1.1 login'])
  })

  it('takes any word in a put, however strange, and finds it again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(word, fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' })), { maxLength: 20 }),
        (given) => {
          const index = new TextIndex({ fields: [{ path: 'text' }] })
          given.forEach((text, slot) => {
            index.put(slot, slot + 1, [text])
          })
          index.save()
          for (const [slot, text] of given.entries()) {
            for (const { word } of wordsOf([text])) {
              expect(index.frequencyOf(word)).toBeGreaterThan(0)
              expect([...index.prepare({ kind: 'prefix', text: word }).matches(EVERYTHING)]).toContain(slot)
              expect([...index.prepare({ kind: 'fuzzy', text: word, edits: 1 }).matches(EVERYTHING)]).toContain(slot)
            }
          }
        },
      ),
      { seed: seed(), numRuns: effort(50) },
    )
  })
})

function sentence(pick: () => string, length: number): string {
  return Array.from({ length }, pick).join(' ')
}

function mulberry(start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
