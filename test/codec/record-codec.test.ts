import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Value } from '../../src/base/values.ts'
import { type DecodedRecord, RecordCodec, type RecordCodecOptions, ShapeTable } from '../../src/codec/record-codec.ts'
import { fields } from '../../src/testing/arbitraries/record.ts'
import { arbitraries } from '../../src/testing/arbitraries.ts'
import { expectSame } from './same.ts'

const names = arbitraries.name()
const records = fields()
const texts = arbitraries.text()

function roundTrip(codec: RecordCodec, record: object, id?: string | number): DecodedRecord {
  const view = codec.encode(record, 'bugs')
  // Decoded from the middle of other bytes, as from a frame.
  const frame = new Uint8Array(view.length + 20).fill(0xee)
  frame.set(view, 7)
  return codec.decode(frame, 7, 7 + view.length, id)
}

function thrown(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  return undefined
}

function refusal(record: unknown): unknown {
  return thrown(() => new RecordCodec().encode(record as object, 'bugs'))
}

const MODES: readonly RecordCodecOptions[] = [{ codeGeneration: true }, { codeGeneration: false }]

for (const options of MODES) {
  const mode = `code generation ${options.codeGeneration ? 'on' : 'off'}`

  test(`every record comes back exactly, ${mode}`, () => {
    const codec = new RecordCodec(options)
    fc.assert(
      fc.property(records, (record) => {
        for (let i = 0; i < 3; i++) expectSame(roundTrip(codec, record), record)
      }),
      { numRuns: 1500, seed: 1 },
    )
  })

  test(`records of few shapes come back exactly, ${mode}`, () => {
    const codec = new RecordCodec(options)
    const record = fc.record(
      {
        a: arbitraries.value({ vectors: true }),
        __proto__: fc.anything().map(() => 1),
        b: arbitraries.value({ vectors: true }),
        c: fc.array(fc.record({ id: texts, n: fc.integer() })),
      },
      { requiredKeys: ['a'] },
    )
    fc.assert(
      fc.property(record, (value) => {
        expectSame(roundTrip(codec, value), value)
      }),
      { numRuns: 1000, seed: 2 },
    )
  })

  test(`a keyed codec keeps the place of the id and no bytes of it, ${mode}`, () => {
    const codec = new RecordCodec({ ...options, keyed: true })
    const record = { title: 'x', id: 'a-long-id-that-would-be-seen', child: { id: 5 } }
    for (let i = 0; i < 40; i++) {
      const bytes = codec.encode(record, 'bugs')
      expect(Buffer.from(bytes).includes('long-id')).toBe(false)
      expectSame(roundTrip(codec, record, record.id), record)
      expectSame(roundTrip(codec, record, 7), { title: 'x', id: 7, child: { id: 5 } })
      expectSame(roundTrip(codec, record), { title: 'x', child: { id: 5 } })
    }
    expectSame(roundTrip(codec, { noId: 1 }, 'k'), { noId: 1 })
  })

  test(`a keyed record in the generic form keeps the place of the id, ${mode}`, () => {
    const codec = new RecordCodec({ ...options, keyed: true, shapes: new ShapeTable(0) })
    const record = { title: 'x', id: 'k1', child: { id: 5 } }
    expectSame(roundTrip(codec, record, 'k1'), record)
    expect(codec.shapes.shapeCount).toBe(0)
  })
}

test('one field reads as it would from the decoded record', () => {
  const shapes = new ShapeTable(64)
  const codecs = [new RecordCodec({ shapes }), new RecordCodec({ shapes, keyed: true })]
  const walk = (value: unknown, path: readonly string[]): unknown => {
    let current = value
    for (const step of path) {
      const walkable = Array.isArray(current)
        ? /^(0|[1-9]\d*)$/.test(step)
        : typeof current === 'object' && current !== null && Object.getPrototypeOf(current) === Object.prototype
      if (!walkable || !Object.hasOwn(current as object, step)) return undefined
      current = (current as { [name: string]: unknown })[step]
    }
    return current
  }
  const withId = fc.tuple(records, fc.boolean()).map(([record, has]) => (has ? { ...record, id: 'k' } : record))
  fc.assert(
    fc.property(
      withId,
      fc.array(fc.oneof(names, fc.constantFrom('0', '1', '00', '-1', 'id')), { minLength: 1, maxLength: 3 }),
      (record, path) => {
        for (const codec of codecs) {
          const bytes = codec.encode(record, '').slice()
          const paths = [
            path,
            ...Object.keys(record).flatMap((name) => [
              [name],
              [name, '0'],
              [name, path[0]!],
              ...Object.keys(record[name as never] ?? {})
                .slice(0, 3)
                .map((inner) => [name, inner]),
            ]),
          ]
          for (const each of paths) expectSame(codec.field(bytes, 0, bytes.length, each, 'k'), walk(record, each))
        }
      },
    ),
    { numRuns: 800, seed: 3 },
  )
})

test('generated and interpreted readers give the same for the same bytes, damaged ones too', () => {
  const shapes = new ShapeTable()
  const generated = new RecordCodec({ shapes, codeGeneration: true })
  const interpreted = new RecordCodec({ shapes, codeGeneration: false })
  const fields = {
    ...Object.fromEntries(['a', 'b', 'c'].map((name) => [name, arbitraries.value({ vectors: true })])),
    items: fc.array(fc.record({ x: arbitraries.value({ vectors: true }) })),
  }
  fc.assert(
    fc.property(fc.record(fields), fc.nat(), fc.integer({ min: 1, max: 255 }), (record, at, change) => {
      const bytes = generated.encode(record, '').slice()
      expectSame(generated.decode(bytes, 0, bytes.length), interpreted.decode(bytes, 0, bytes.length))
      bytes[at % bytes.length]! ^= change
      const answer = (codec: RecordCodec): unknown => {
        try {
          return codec.decode(bytes, 0, bytes.length)
        } catch (error) {
          return String(error)
        }
      }
      expectSame(answer(generated), answer(interpreted))
    }),
    { numRuns: 2000, seed: 4 },
  )
})

test('what cannot be stored is refused with its path', () => {
  class Point {
    x = 1
  }
  const deep = (levels: number): Value => (levels === 0 ? 1 : [deep(levels - 1)])
  const cycle: { a: unknown } = { a: 1 }
  cycle.a = [cycle]
  const cases: [unknown, string][] = [
    [{ f: () => 1 }, 'bugs.f'],
    [{ a: { b: Symbol('s') } }, 'bugs.a.b'],
    [{ tags: ['a', 'b', 'c', undefined] }, 'bugs.tags[3]'],
    [{ tags: new Array(2) }, 'bugs.tags[0]'],
    [{ a: [{ b: [new Map()] }] }, 'bugs.a[0].b[0]'],
    [{ a: new Set() }, 'bugs.a'],
    [{ a: new Point() }, 'bugs.a'],
    [{ a: new Date(Number.NaN) }, 'bugs.a'],
    [{ a: Object.create(Date.prototype) }, 'bugs.a'],
    [{ a: Object.create(Uint8Array.prototype) }, 'bugs.a'],
    [{ a: Object.create({ inherited: 1 }) }, 'bugs.a'],
    [{ a: new Int8Array(1) }, 'bugs.a'],
    [{ a: new DataView(new ArrayBuffer(1)) }, 'bugs.a'],
    [{ a: new ArrayBuffer(1) }, 'bugs.a'],
    [{ a: Object(1) }, 'bugs.a'],
    [{ a: /x/ }, 'bugs.a'],
    [{ a: Promise.resolve() }, 'bugs.a'],
    [{ a: new Error('x') }, 'bugs.a'],
    [{ 'a.b': { 'c\\': [() => 1] } }, 'bugs.a\\.b.c\\\\[0]'],
    [{ ok: 1, $score: 2 }, 'bugs.$score'],
    [{ a: deep(64) }, `bugs.a${'[0]'.repeat(63)}`],
    [cycle, `bugs${'.a[0]'.repeat(32)}`],
    [[], 'bugs'],
    [new Point(), 'bugs'],
    [new Date(), 'bugs'],
    [null, 'bugs'],
    ['text', 'bugs'],
  ]
  for (const [record, path] of cases) {
    expect(refusal(record), path).toMatchObject({ code: 'INVALID_VALUE', details: { path } })
  }
  expectSame(roundTrip(new RecordCodec(), { a: deep(63) }), { a: deep(63) })
})

test('a refusal names the same place once the shape is known', () => {
  const codec = new RecordCodec()
  for (let i = 0; i < 3; i++) codec.encode({ a: { b: [1] }, c: 1 }, 'bugs')
  expect(thrown(() => codec.encode({ a: { b: [1, () => 1] }, c: 1 }, 'bugs'))).toMatchObject({
    details: { path: 'bugs.a.b[1]' },
  })
  expect(thrown(() => codec.encode({ a: { b: [1] }, c: () => 1 }, 'bugs'))).toMatchObject({
    details: { path: 'bugs.c' },
  })
  expectSame(roundTrip(codec, { a: { b: [1] }, c: 2 }), { a: { b: [1] }, c: 2 })
})

test('undefined fields are dropped, whatever shape was expected', () => {
  const codec = new RecordCodec()
  expectSame(roundTrip(codec, { a: 1, b: { c: 'x', d: 'y' } }), { a: 1, b: { c: 'x', d: 'y' } })
  expect(Object.keys(roundTrip(codec, { a: undefined, b: { c: 'text', d: undefined } }))).toEqual(['b'])
  expectSame(roundTrip(codec, { a: 'left', b: undefined }), { a: 'left' })
  expectSame(roundTrip(codec, { a: undefined }), {})
})

test('special objects come back as plain ones of their kind', () => {
  const codec = new RecordCodec()
  const source = Buffer.from([1, 2, 3])
  const bare = Object.assign(Object.create(null), { x: 1 })
  const proto = JSON.parse('{"__proto__": {"polluted": 1}, "a": {"__proto__": 5}}')
  const record = {
    buffer: source,
    bare,
    sub: new Uint8Array([9, 8, 7]).subarray(1),
    f: new Float64Array([0, 1, 2]).subarray(1),
    proto,
  }
  const bytes = codec.encode(record, '').slice()
  for (let i = 0; i < 30; i++) {
    const found = codec.decode(Buffer.from(bytes), 0, bytes.length)
    expect(Object.getPrototypeOf(found['buffer'])).toBe(Uint8Array.prototype)
    expect(Object.getPrototypeOf(found['bare'])).toBe(Object.prototype)
    expectSame(found, record)
    ;(found['buffer'] as Uint8Array)[0] = 99
    expect(Object.getPrototypeOf(found['proto'])).toBe(Object.prototype)
    expect(Object.hasOwn(found['proto'] as object, '__proto__')).toBe(true)
  }
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  expect(source[0]).toBe(1)
})

test('objects of another realm are stored', () => {
  const record = runInNewContext(
    '({ d: new Date(5), b: new Uint8Array([1]), v: new Float32Array([2]), o: { x: [1] } })',
  )
  expectSame(roundTrip(new RecordCodec(), record), {
    d: new Date(5),
    b: Uint8Array.of(1),
    v: Float32Array.of(2),
    o: { x: [1] },
  })
})

test('toJSON is never called and getters are read', () => {
  const record = {
    a: { toJSON: undefined, x: 1 },
    get b() {
      return 2
    },
  }
  expectSame(roundTrip(new RecordCodec(), record), { a: { x: 1 }, b: 2 })
  expect(refusal({ toJSON: () => 1 })).toMatchObject({ details: { path: 'bugs.toJSON' } })
})

test('a getter that throws, or encodes itself, leaves the codec and the outer record whole', () => {
  const codec = new RecordCodec()
  const failure = new Error('from the getter')
  const record = {
    a: 'first',
    get b() {
      return codec.encode({ other: 'inner text' }, 'in').length
    },
    c: 'last',
  }
  for (let i = 0; i < 3; i++)
    expectSame(roundTrip(codec, record), {
      a: 'first',
      b: codec.encode({ other: 'inner text' }, 'in').length,
      c: 'last',
    })
  const throwing = {
    a: 'first',
    get b(): number {
      throw failure
    },
    c: 'last',
  }
  expect(thrown(() => codec.encode(throwing, ''))).toBe(failure)
  expectSame(roundTrip(codec, { a: 1, b: 2, c: 3 }), { a: 1, b: 2, c: 3 })
})

test('encode gives a view that the next encode overwrites', () => {
  const codec = new RecordCodec()
  codec.encode({ a: 'warm' }, '')
  const first = codec.encode({ a: 'one' }, '')
  const copy = first.slice()
  codec.encode({ a: 'two' }, '')
  expect(first).not.toEqual(copy)
})

test('equal records have equal bytes', () => {
  const codec = new RecordCodec()
  const make = () => ({
    a: 'x'.repeat(300),
    n: [1.5, Number.NaN, -0],
    d: new Date(9),
    o: { u: '01234567-89ab-4def-8123-456789abcdef' },
  })
  codec.encode(make(), '')
  const first = codec.encode(make(), '').slice()
  expect(codec.encode(make(), '')).toEqual(first)
})

test('large records, strings and arrays come back, and their buffers are given back', () => {
  const codec = new RecordCodec()
  const big = {
    text: 'x'.repeat(3_000_000),
    wide: 'ж'.repeat(400_000),
    list: Array.from({ length: 70_000 }, (_, i) => i),
    bytes: new Uint8Array(1_500_000).fill(7),
    big: 7n ** 9000n,
  }
  expectSame(roundTrip(codec, big), big)
  codec.encode({ a: 1 }, '')
  expect(codec.encode({ a: 1 }, '').buffer.byteLength).toBeLessThan(1 << 20)
})

test('decoding ends where it is told, and trailing or missing bytes are damage', () => {
  const codec = new RecordCodec()
  const bytes = codec.encode({ a: 'text', b: [1, 2], c: new Date(1) }, '').slice()
  const longer = new Uint8Array(bytes.length + 1)
  longer.set(bytes)
  expect(thrown(() => codec.decode(longer, 0, longer.length))).toMatchObject({
    code: 'CODEC',
    details: { offset: bytes.length },
  })
  for (let end = 0; end < bytes.length; end++) {
    expect(thrown(() => codec.decode(bytes, 0, end))).toMatchObject({ code: 'CODEC' })
  }
})
