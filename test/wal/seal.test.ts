import { describe, expect, test } from 'vitest'
import { encryptedSealsOf, plainSealsOf } from '../support/seals.ts'

const FILE_ID = Uint8Array.from({ length: 16 }, (_, i) => i)
const OTHER_ID = FILE_ID.map((byte) => byte + 1)
const SALT = new Uint8Array(32).fill(9)
const BYTES = Uint8Array.from({ length: 100 }, (_, i) => i * 3)

describe.each([
  { name: 'plain', sealsOf: plainSealsOf },
  { name: 'encrypted', sealsOf: encryptedSealsOf },
])('what is spilled, $name', ({ sealsOf }) => {
  test('opens as it was under its own number, and not under another nor changed', () => {
    const spill = sealsOf(FILE_ID).spill(SALT)
    const { bytes, proof } = spill.seal(7, BYTES.slice())
    const sealed = bytes.slice()
    expect(Uint8Array.from(spill.open(7, { bytes: sealed.slice(), proof })!)).toEqual(BYTES)
    expect(spill.open(8, { bytes: sealed.slice(), proof })).toBeUndefined()
    sealed[50]! ^= 1
    expect(spill.open(7, { bytes: sealed, proof })).toBeUndefined()
  })
})

test('a sealed value opens in its own place of its own database only, and not when any byte was changed or cut off', () => {
  const seals = encryptedSealsOf(FILE_ID)
  const value = seals.sealValue('root', BYTES)
  expect(Uint8Array.from(seals.openValue('root', value)!)).toEqual(BYTES)
  expect(seals.openValue('directory-1', value)).toBeUndefined()
  expect(encryptedSealsOf(OTHER_ID).openValue('root', value)).toBeUndefined()
  for (let at = 0; at < value.length; at++) {
    expect(seals.openValue('root', value.subarray(0, at)), `${at} bytes`).toBeUndefined()
    const changed = value.slice()
    changed[at]! ^= 1 << (at % 8)
    expect(seals.openValue('root', changed), `byte ${at}`).toBeUndefined()
  }
})
