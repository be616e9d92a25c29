import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BodyReader, readVarint } from '../../src/codec/body-reader.ts'
import { swapped } from '../../src/codec/kinds.ts'
import { ShapeTable } from '../../src/codec/shapes.ts'
import * as text from '../../src/codec/text.ts'
import { varintSize, writeVarint } from '../../src/codec/varint.ts'
import { arbitraries } from '../../src/testing/arbitraries.ts'

const texts = arbitraries.text()

test('the native and the plain way of writing and reading text agree', () => {
  fc.assert(
    fc.property(fc.oneof(texts, fc.constant('ж'.repeat(9000)), fc.constant('é'.repeat(9000))), (value) => {
      const native = new Uint8Array(2 * value.length + 3)
      const plain = native.slice()
      text.writeWide(native, value, 3)
      text.writeWideSlowly(plain, value, 3)
      expect(Buffer.compare(native, plain)).toBe(0)
      expect(text.readWide(native, 3, native.length)).toBe(value)
      expect(text.readWideSlowly(native, 3, native.length)).toBe(value)
      if (text.WIDE_UNIT.test(value)) return
      text.writeNarrow(native, value, 1)
      text.writeNarrowSlowly(plain, value, 1)
      expect(Buffer.compare(native, plain)).toBe(0)
      expect(text.readNarrow(native, 1, 1 + value.length)).toBe(value)
      expect(text.readNarrowSlowly(native, 1, 1 + value.length)).toBe(value)
    }),
    { numRuns: 500, seed: 1 },
  )
})

test('a varint of any size below 2^49 comes back and takes the bytes it says', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.nat(300),
        fc.maxSafeNat().map((n) => Math.floor(n / 16)),
        fc.constantFrom(127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 49 - 1),
      ),
      (value) => {
        const r = new BodyReader(new ShapeTable(), undefined)
        r.bytes = new Uint8Array(8)
        r.end = writeVarint(r.bytes, 0, value)
        expect(r.end).toBe(varintSize(value))
        expect(readVarint(r)).toBe(value)
      },
    ),
    { seed: 2 },
  )
})

test('elements of vectors swap on hosts of the other byte order', () => {
  expect(swapped(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 4)).toEqual(Uint8Array.of(4, 3, 2, 1, 8, 7, 6, 5))
})
