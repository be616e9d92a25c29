import { expect, test } from 'vitest'
import type { CompressionMethod, Compressor } from '../../src/base/compression.ts'
import { isBlazeError } from '../../src/base/errors.ts'
import { decodePacked, encodePacked } from '../../src/codec/packed-array.ts'
import { decodeArray, encodeArray } from '../../src/entry/codec.ts'
import { nodeCompressor } from '../../src/platform/compression.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { bugs, randomOf } from './bugs.ts'
import { expectSame } from './same.ts'

const METHODS: readonly CompressionMethod[] = ['deflate', 'brotli', 'zstd']
const present = METHODS.filter((method) => nodeCompressor.has(method))

/** A runtime without zstd, whatever this one has. */
const without: Compressor = { ...nodeCompressor, has: (method) => method !== 'zstd' && nodeCompressor.has(method) }

test('deflate and brotli are there', () => {
  expect(present).toEqual(expect.arrayContaining(['deflate', 'brotli']))
})

test.each(present)(
  'records come back from %s, in fewer bytes, and the plain form is read by the same call',
  (method) => {
    const list = bugs(300)
    const plain = encodeArray(list)
    const packed = encodeArray(list, { compression: method })
    expect(packed.length).toBeLessThan(0.65 * plain.length)
    expectSame(decodeArray(packed), list)
    expectSame(decodeArray(plain), list)
    expect(encodeArray(list, { compression: 'none' })).toEqual(plain)
  },
)

test.each(present)('what %s does not make smaller stays as it is', (method) => {
  const random = randomOf(3)
  const noise = [{ noise: Uint8Array.from({ length: 500 }, () => random(256)) }]
  for (const list of [noise, [], [{}], [{ a: 1 }]]) {
    expect(encodeArray(list, { compression: method })).toEqual(encodeArray(list))
    expectSame(decodeArray(encodeArray(list, { compression: method })), list)
  }
})

test('a head that eats up what was saved leaves the array plain', () => {
  const saving = (bytes: number): Compressor => ({
    ...nodeCompressor,
    compress: (_, array) => array.subarray(bytes),
  })
  const list = bugs(3)
  const plain = encodeArray(list)
  for (const saved of [1, 2, 3]) expect(encodePacked(list, { compression: 'deflate' }, saving(saved))).toEqual(plain)
  expect(encodePacked(list, { compression: 'deflate' }, saving(4)).length).toBe(plain.length - 1)
})

test('byte fields are copies, also from compressed bytes', () => {
  const list = Array.from({ length: 50 }, () => ({ bytes: Uint8Array.of(1, 2, 3) }))
  const [first, second] = decodeArray(Buffer.from(encodeArray(list, { compression: 'deflate' })))
  const { bytes } = first as (typeof list)[0]
  bytes.fill(9)
  expect(second).toEqual(list[1])
  expect(bytes.buffer.byteLength).toBe(3)
})

test('a method that the runtime lacks is UNSUPPORTED, both ways; one that is none is INVALID_ARGUMENT', () => {
  const unsupported = expect.objectContaining({ code: 'UNSUPPORTED' })
  expect(() => encodePacked(bugs(9), { compression: 'zstd' }, without)).toThrow(unsupported)
  expect(() => decodePacked(Uint8Array.of(0xf3, 5, 1, 2), {}, without)).toThrow(unsupported)
  // A name that the type does not have, as from JavaScript.
  const compression = 'gzip' as 'none'
  expect(() => encodeArray([], { compression })).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', details: { argument: 'compression' } }),
  )
  expect(() => decodeArray(Uint8Array.of(0xf4, 5, 1, 2))).toThrow(/compression 4/)
})

test('a size above the limit is refused before anything is restored', () => {
  const asked: number[] = []
  const counting: Compressor = {
    ...nodeCompressor,
    decompress(method, bytes, size) {
      asked.push(size)
      return nodeCompressor.decompress(method, bytes, size)
    },
  }
  const list = Array.from({ length: 2000 }, () => ({ text: 'x'.repeat(1000) }))
  const bomb = encodeArray(list, { compression: 'brotli' })
  expect(bomb.length).toBeLessThan(20_000)
  expect(() => decodePacked(bomb, { maxBytes: 100_000 }, counting)).toThrow(/100000/)
  expect(asked).toEqual([])
  expectSame(decodePacked(bomb, {}, counting), list)
})

test.each(present)('%s that gives more or less than it says, or is followed by something, is CODEC', (method) => {
  const list = bugs(20)
  const plain = encodeArray(list)
  const inner = nodeCompressor.compress(method, plain)
  const head = 0xf0 + 1 + METHODS.indexOf(method)
  const saying = (size: number, ...more: number[]): Uint8Array =>
    Uint8Array.of(head, (size & 127) | 128, size >>> 7, ...inner, ...more)
  expectSame(decodeArray(saying(plain.length)), list)
  const bad = [saying(plain.length - 1), saying(plain.length + 1), saying(128), saying(plain.length, 0, 0)]
  for (const bytes of bad)
    expect(() => decodeArray(bytes)).toThrow(expect.objectContaining({ code: 'CODEC', details: { offset: 3 } }))
})

test('mutated packed arrays give records or CODEC', () => {
  const random = randomOf(seed())
  const sources = present.map((compression) => encodeArray(bugs(12), { compression }))
  for (let i = 0; i < effort(3000); i++) {
    const source = sources[i % sources.length]!
    const bytes = source.slice(0, random(10) === 0 ? random(source.length) : source.length)
    for (let n = 0; n <= random(3); n++) bytes[random(n === 0 ? 4 : bytes.length)] = random(256)
    try {
      decodeArray(bytes)
    } catch (error) {
      if (!isBlazeError(error, 'CODEC') && !isBlazeError(error, 'UNSUPPORTED')) throw error
    }
  }
})
