import { expect, test, vi } from 'vitest'
import { codeGenerationAllowed } from '../../src/codec/generate-reader.ts'
import { RecordCodec } from '../../src/codec/record-codec.ts'
import { expectSame } from './same.ts'

test('names enter generated code as data only', () => {
  const hostile = [
    '"]: 1, x: (() => { throw 1 })(), ["',
    '`\u0024{1}`',
    '\\',
    '\n',
    '\u2028',
    '*/',
    "'",
    '\ud800',
    'constructor',
    'v0',
    'key',
  ]
  const record = Object.fromEntries(hostile.map((name, i) => [name, i]))
  const codec = new RecordCodec({ codeGeneration: true })
  for (let i = 0; i < 40; i++) {
    const bytes = codec.encode(record, '')
    expectSame(codec.decode(bytes, 0, bytes.length), record)
  }
})

test('where the runtime forbids code from strings, records come back all the same', async () => {
  expect(codeGenerationAllowed()).toBe(true)
  let refused = 0
  vi.resetModules()
  vi.stubGlobal('Function', function forbidden() {
    refused++
    throw new EvalError('Code generation from strings disallowed for this context')
  })
  try {
    const fresh = await import('../../src/codec/record-codec.ts')
    const codec = new fresh.RecordCodec({ codeGeneration: true })
    for (let i = 0; i < 40; i++) {
      const bytes = codec.encode({ a: i, b: 'text' }, '')
      expectSame(codec.decode(bytes, 0, bytes.length), { a: i, b: 'text' })
    }
  } finally {
    vi.unstubAllGlobals()
  }
  expect(refused).toBe(1)
})
