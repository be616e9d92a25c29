/** What `blazedb/codec` hands out as an object: its own tests; what is in the bytes is tested where it is made. */
import { expect, test } from 'vitest'
import { Codec } from '../../src/codec/codec.ts'
import { decode, encode } from '../../src/codec/standalone.ts'
import { expectSame } from './same.ts'

const item = (i: number) => ({
  id: i,
  status: ['open', 'closed'][i % 2],
  at: new Date(i * 1e9),
  author: { name: `n${i}` },
})

test('results of encode stay as they are, however many follow', () => {
  const codec = new Codec()
  const all = Array.from({ length: 5000 }, (_, i) => codec.encode(item(i)))
  all.forEach((bytes, i) => {
    expectSame(codec.decode(bytes), item(i))
  })
  const large = { text: 'x'.repeat(100_000) }
  expectSame(codec.decode(codec.encode(large)), large)
})

test('encodeInto writes where it is told, or says that there is no room', () => {
  const codec = new Codec()
  const page = new Uint8Array(4096).fill(0xee)
  // From here on nothing is learnt, and the same record has the same size.
  for (let i = 0; i < 100; i++) codec.encode(item(i))
  for (let i = 0; i < 100; i++) {
    const end = codec.encodeInto(item(i), page, 100)
    expectSame(codec.decode(page, 100, end), item(i))
    expect([page[99], page[end + 300]]).toEqual([0xee, 0xee])
    // Exactly enough room is enough.
    expect(codec.encodeInto(item(i), page.subarray(0, end), 100)).toBe(end)
    expect(codec.encodeInto(item(i), page.subarray(0, end - 1), 100)).toBe(-1)
  }
})

test('another codec reads with the definitions, also when they come in parts', () => {
  const codec = new Codec()
  const other = new Codec()
  for (let i = 0; i < 200; i++) {
    const bytes = codec.encode(item(i))
    other.define(codec.definitions(other.definitionCount))
    expectSame(other.decode(bytes), item(i))
  }
  const list = Array.from({ length: 200 }, (_, i) => item(i))
  expectSame(other.decodeArray(codec.encodeArray(list)), list)
  other.define(codec.definitions())
  const more = Uint8Array.of(...codec.definitions(), 0)
  expect(() => other.define(more)).toThrow(
    expect.objectContaining({ code: 'CODEC', details: { offset: more.length - 1 } }),
  )
})

test('views, fields and readers give what is in the record', () => {
  const codec = new Codec()
  const all = Array.from({ length: 100 }, (_, i) => codec.encode(item(i)))
  const view = codec.view(all[0]!)
  const status = codec.reader('status')
  const name = codec.reader('author.name')
  all.forEach((bytes, i) => {
    view.reset(bytes)
    expectSame([view.get('id'), view.get('at'), view.get('none')], [i, item(i).at, undefined])
    expect([view.at('author.name'), codec.field(bytes, 'author.name'), name(bytes)]).toEqual(Array(3).fill(`n${i}`))
    expect(status(bytes)).toBe(item(i).status)
    expectSame(view.toObject(), item(i))
  })
})

test('dates are milliseconds for who asks for numbers', () => {
  const codec = new Codec({ dates: 'number' })
  for (let i = 0; i < 100; i++) {
    const bytes = codec.encode(item(i))
    expect(codec.decode(bytes)['at']).toBe(i * 1e9)
    expect(codec.field(bytes, 'at')).toBe(i * 1e9)
  }
  expect(codec.decodeArray(codec.encodeArray([{ far: new Date(8e15) }]))).toEqual([{ far: 8e15 }])
})

test('stand-alone bytes hold thousands of definitions', () => {
  const list = Array.from({ length: 9000 }, (_, i) => ({ [`a${i}`]: 1, [`b${i % 1500}`]: 2 }))
  expectSame(decode(encode(list)), list)
})
