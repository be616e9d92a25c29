import { expect, test } from 'vitest'
import { Pacer } from '../../../src/engine/dump/pacer.ts'
import { textPieces } from '../../../src/engine/dump/record-text.ts'
import { systemClock } from '../../../src/platform/clock.ts'

test('a record that is too long for a string is named', async () => {
  async function* records() {
    yield { id: 'b1' }
  }
  const tooLong: readonly (() => string)[] = [() => 'x'.repeat(2 ** 30), () => Buffer.alloc(2 ** 29).toString('latin1')]
  for (const textOf of tooLong) {
    const pieces = textPieces(
      records(),
      { header: '', textOf },
      new Pacer(systemClock(), 'the dump', undefined),
      () => undefined,
    )
    await expect(pieces.next()).rejects.toMatchObject({ code: 'TOO_LARGE', message: expect.stringContaining('"b1"') })
  }
  const broken = (): string => {
    throw new TypeError('broken')
  }
  const pieces = textPieces(
    records(),
    { header: '', textOf: broken },
    new Pacer(systemClock(), 'the dump', undefined),
    () => undefined,
  )
  await expect(pieces.next()).rejects.toBeInstanceOf(TypeError)
})
