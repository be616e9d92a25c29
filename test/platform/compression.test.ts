import { expect, test } from 'vitest'
import type { CompressionMethod } from '../../src/base/compression.ts'
import { nodeCompressor } from '../../src/platform/compression.ts'

const METHODS: readonly CompressionMethod[] = ['deflate', 'brotli', 'zstd']
const zeros = new Uint8Array(1_000_000)

test.each(METHODS.filter((method) => nodeCompressor.has(method)))(
  '%s gives back what it was given, as bytes',
  (method) => {
    for (const bytes of [new Uint8Array(0), Uint8Array.of(1), zeros]) {
      const restored = nodeCompressor.decompress(method, nodeCompressor.compress(method, bytes), bytes.length)
      expect(restored).toEqual(bytes)
      expect(Object.getPrototypeOf(restored)).toBe(Uint8Array.prototype)
    }
  },
)

test.each(METHODS.filter((method) => nodeCompressor.has(method)))('%s makes no more than was asked for', (method) => {
  const bomb = nodeCompressor.compress(method, zeros)
  expect(() => nodeCompressor.decompress(method, bomb, 1000)).toThrow(
    expect.objectContaining({ code: 'ERR_BUFFER_TOO_LARGE' }),
  )
  expect(() => nodeCompressor.decompress(method, bomb, zeros.length + 1)).toThrow(/1000000 bytes came out/)
})

test('a method that is not there is an error', () => {
  for (const method of METHODS.filter((name) => !nodeCompressor.has(name)))
    expect(() => nodeCompressor.compress(method, zeros)).toThrow(/no zstd/)
})
