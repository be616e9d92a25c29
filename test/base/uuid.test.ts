import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatUuid, parseUuid, uuidV7Generator } from '../../src/base/uuid.ts'

test('canonical texts go to 16 bytes and back, at any offset', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(5), (bytes, offset) => {
      const source = new Uint8Array(24)
      source.set(bytes, offset)
      const text = formatUuid(source, offset)
      const target = new Uint8Array(24)
      expect(text).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      expect(parseUuid(text, target, offset)).toBe(true)
      expect(target).toEqual(source)
    }),
    { seed: 1 },
  )
})

test('only canonical lower-case text is a UUID', () => {
  const text = '01234567-89ab-cdef-0123-456789abcdef'
  expect(parseUuid(text, new Uint8Array(16), 0)).toBe(true)
  for (let i = 0; i < text.length; i++) {
    for (const wrong of ['g', 'A', 'F', '/', ':', '`', '-', '0', ' ', '\0', '\u0161', '\u2030', '\ud800']) {
      const changed = text.slice(0, i) + wrong + text.slice(i + 1)
      const valid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(changed)
      expect(parseUuid(changed, new Uint8Array(16), 0), changed).toBe(valid)
    }
  }
  for (const wrong of ['', text.slice(1), `${text}0`]) expect(parseUuid(wrong, new Uint8Array(16), 0)).toBe(false)
})

test('generated ids ascend, whatever the clock does', () => {
  let calls = 0
  const next = uuidV7Generator((target) => {
    calls++
    return target.fill(calls % 2 === 0 ? 0 : 255)
  })
  let last = ''
  for (const ms of [1000, 1000, 1000, 999, 5, 1001, 0, 1002.7, ...new Array<number>(5000).fill(1003)]) {
    const id = next(ms)
    expect(id > last).toBe(true)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    last = id
  }
})

test('an id begins with the millisecond it was made in', () => {
  const next = uuidV7Generator((target) => target.fill(0x5a))
  expect(next(0x0123456789ab).slice(0, 13)).toBe('01234567-89ab')
  expect(next(0x0123456789ac)).toBe('01234567-89ac-725a-9a5a-5a5a5a5a5a5a')
})
