/**
 * Scripts without spaces, stems and stop words by the public API. What the words of a text are is Intl.Segmenter's own
 * answer, and differs from one release of Node to the next, so it is asked here too.
 */
import { describe, expect, it } from 'vitest'
import { collection } from '../../src/engine/collection-spec.ts'
import { type SeededRandom, seededRandom } from '../../src/platform/seeded-random.ts'
import { stemEnglish } from '../../src/text/porter2.ts'
import { withDatabase } from '../engine/fixture.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'

interface Text {
  readonly id: number
  readonly text: string
}

const plain = collection<Text>({ search: { text: 1 } })
const STOPS = ['the', 'of', 'a', 'is']
const english = collection<Text>({
  search: { text: 1 },
  searchOptions: { language: 'english', stopWords: STOPS },
})

/** A word of a text; without a term it is not indexed. */
interface Word {
  readonly term: string | undefined
  readonly start: number
  readonly end: number
}

type Reader = (text: string) => Word[]

const segmenter = new Intl.Segmenter('und', { granularity: 'word' })

/** The segmenter alone takes `errorไม่` for one word: Latin letters are taken out first. */
const segmented: Reader = (text) =>
  [...text.matchAll(/[a-z]+|[^a-z]+/gi)].flatMap(({ 0: part, index: at }) =>
    [...segmenter.segment(part)].flatMap(({ segment, index, isWordLike }) =>
      isWordLike === true ? [{ term: segment.toLowerCase(), start: at + index, end: at + index + segment.length }] : [],
    ),
  )

const stemmed: Reader = (text) =>
  [...text.matchAll(/\w+/g)].map(({ 0: word, index }) => ({
    term: STOPS.includes(word.toLowerCase()) ? undefined : stemEnglish(word.toLowerCase()),
    start: index,
    end: index + word.length,
  }))

/** Where a phrase stands in a text, by words: within it, what is not indexed stands for any word. */
function placesOf(phrase: string, text: string, read: Reader): { start: number; end: number }[] {
  const wanted = read(phrase)
  const words = read(text)
  const marked = new Set<Word>()
  const first = wanted.findIndex(({ term }) => term !== undefined)
  if (first < 0) return []
  for (let at = -first; at < words.length; at++) {
    const fits = wanted.every(({ term }, k) => term === undefined || words[at + k]?.term === term)
    for (let k = 0; fits && k < wanted.length; k++) {
      if (wanted[k]!.term !== undefined) marked.add(words[at + k]!)
    }
  }
  return words.filter((word) => marked.has(word)).map(({ start, end }) => ({ start, end }))
}

async function judge(
  docs: typeof plain,
  texts: readonly string[],
  phrases: readonly string[],
  read: Reader,
): Promise<number> {
  let found = 0
  await withDatabase(
    async (db) => {
      await db.docs.insertMany(texts.map((text, id) => ({ id, text })))
      for (const phrase of phrases) {
        const expected = texts.flatMap((text, id) => {
          const places = placesOf(phrase, text, read)
          return places.length === 0 ? [] : [{ id, places }]
        })
        const rows = db.docs.search(`"${phrase}"`).highlights().orderBy('id').all()
        const places = rows.map(({ id, $highlights }) => ({
          id,
          places: $highlights.map(({ start, end }) => ({ start, end })),
        }))
        expect(places, phrase).toEqual(expected)
        found += rows.length
      }
    },
    { collections: { docs } },
  )
  return found
}

function several<T>(random: SeededRandom, of: readonly T[], most: number): T[] {
  return Array.from({ length: 1 + random.below(most) }, () => of[random.below(of.length)]!)
}

const SCRIPTS: Readonly<Record<string, readonly string[]>> = {
  Chinese: ['登录', '页面', '坏了', '我们', '今天', '北京', '大学', '图书馆', '错误', '。', '，', 'login', ' '],
  Japanese: ['東京', 'ログイン', 'ページ', 'が', 'は', '壊れ', 'サーバー', '学校', 'です', '、', 'API', ' '],
  Thai: ['ภาษา', 'ไทย', 'หน้า', 'เข้าสู่ระบบ', 'ไม่', 'มี', 'รัก', 'ฉัน', 'บ้าน', ' ', 'error'],
}

describe('scripts without spaces', () => {
  for (const [name, words] of Object.entries(SCRIPTS)) {
    it(`${name}: what is asked is found where the same words stand in a text, one after the other`, async () => {
      const random = seededRandom(seed())
      let found = 0
      for (let i = 0; i < effort(3); i++) {
        const texts = Array.from({ length: 40 }, () => several(random, words, 9).join(''))
        const phrases = Array.from({ length: 25 }, () => several(random, words, 2).join(''))
        found += await judge(
          plain,
          texts,
          phrases.filter((phrase) => segmented(phrase).length > 0),
          segmented,
        )
      }
      expect(found).toBeGreaterThan(20)
    })
  }

  it('finds a word in the middle of a sentence', async () => {
    await withDatabase(
      async (db) => {
        await db.docs.insertMany([
          { id: 1, text: '我们今天去北京大学图书馆' },
          { id: 2, text: '登录页面坏了' },
        ])
        const ids = (asked: string): number[] =>
          db.docs
            .search(asked)
            .orderBy('id')
            .all()
            .map(({ id }) => id)
        expect(ids('北京')).toEqual([1])
        expect(ids('登录 OR 今天')).toEqual([1, 2])
        expect(ids('登录 -页面')).toEqual([])
      },
      { collections: { docs: plain } },
    )
  })
})

describe('an English index', () => {
  it('finds phrases by their stems; a stop word within stands for any word', async () => {
    const random = seededRandom(seed())
    const words = 'the of a is state States stating art arts run Running runs connection connected new news'.split(' ')
    let found = 0
    for (let i = 0; i < effort(5); i++) {
      const texts = Array.from({ length: 60 }, () => several(random, words, 12).join(random.below(4) ? ' ' : ', '))
      const phrases = Array.from({ length: 30 }, () => several(random, words, 4).join(' '))
      found += await judge(english, texts, phrases, stemmed)
    }
    expect(found).toBeGreaterThan(100)
  })

  it('passes over stop words wherever they stand in a search', async () => {
    await withDatabase(
      async (db) => {
        await db.docs.insertMany([
          { id: 1, text: 'the state of the art' },
          { id: 2, text: 'state in an art' },
          { id: 3, text: 'state art' },
          { id: 4, text: 'theories of running' },
        ])
        const ids = (asked: Parameters<typeof db.docs.search>[0]): number[] =>
          db.docs
            .search(asked)
            .orderBy('id')
            .all()
            .map(({ id }) => id)
        expect(ids('"state of the art"')).toEqual([1, 2])
        expect(ids({ phrase: 'the state' })).toEqual([1, 2, 3])
        expect(ids('the art')).toEqual([1, 2, 3])
        expect(ids('art -the')).toEqual([1, 2, 3])
        expect(ids('the OR running')).toEqual([4])
        expect(ids('theory')).toEqual([4])
        expect(ids('the')).toEqual([])
        expect(ids('"of the"')).toEqual([])
        // Beginnings and words with errors are compared with stems: `theori` is what is stored.
        expect(ids('the*')).toEqual([4])
        expect(ids('theories*')).toEqual([])
        expect(ids('thx~')).toEqual([])
      },
      { collections: { docs: english } },
    )
  })
})

describe('folding', () => {
  it('takes case, accents and letters that are typed as others for the same', async () => {
    await withDatabase(
      async (db) => {
        await db.docs.insertMany([
          { id: 1, text: 'Größe der Straße' },
          { id: 2, text: 'GROSSE STRASSE' },
          { id: 3, text: 'Łódź, Ελλάς, йога' },
        ])
        const ids = (asked: string): number[] =>
          db.docs
            .search(asked)
            .orderBy('id')
            .all()
            .map(({ id }) => id)
        for (const asked of ['größe', 'grosse', 'Große', 'strasse', 'STRAẞE']) expect(ids(asked), asked).toEqual([1, 2])
        for (const asked of ['lodz', 'ελλασ', 'ΕΛΛΑΣ', 'иога']) expect(ids(asked), asked).toEqual([3])
      },
      { collections: { docs: plain } },
    )
  })
})
