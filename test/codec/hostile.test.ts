import { expect, test } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import type { Value } from '../../src/base/values.ts'
import { RecordCodec } from '../../src/codec/record-codec.ts'
import { decode, encode } from '../../src/codec/standalone.ts'

/** Deterministic: the same mutations in every run. */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 0x100000000) * below)
  }
}

const SAMPLES: readonly { readonly [name: string]: Value }[] = [
  { id: 'a', title: 'Crash on save', votes: 7, tags: ['ui', 'io'], created: new Date(1.7e12), ok: true, estimate: 2.5 },
  {
    id: 5,
    items: [
      { n: 1, x: 'ж' },
      { n: 2, x: 'é' },
    ],
    deep: { a: { b: { c: [null, false, [[]]] } } },
    list: [1e300, -5, 70000],
  },
  {
    u: '01234567-89ab-4def-8123-456789abcdef',
    big: -(3n ** 90n),
    bytes: Uint8Array.of(1, 2, 3),
    f: Float32Array.of(1, 2),
    g: Float64Array.of(3),
    far: new Date(8e15),
  },
  {
    text: 'x'.repeat(400),
    wide: '—'.repeat(300),
    many: Array.from({ length: 40 }, (_, i) => i * 50),
    ['__proto__']: 1,
  },
]

const MUTATIONS = 20_000

function mutate(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  const kind = random(5)
  if (kind === 0) return bytes.slice(0, random(bytes.length))
  if (kind === 1) {
    const at = random(bytes.length)
    return Uint8Array.of(...bytes.subarray(0, at), random(256), ...bytes.subarray(at))
  }
  const mutated = bytes.slice()
  for (let i = 0; i <= random(3); i++) {
    const at = random(mutated.length)
    mutated[at] = kind === 2 ? mutated[at]! ^ (1 << random(8)) : kind === 3 ? 0xff : random(256)
  }
  return mutated
}

/** 1 when the bytes gave a value; fails unless the other answer is CODEC with an offset within the bytes. */
function attempt(read: () => unknown, size: number): number {
  try {
    read()
    return 1
  } catch (error) {
    if (!isBlazeError(error, 'CODEC')) throw error
    const { offset } = error.details
    if (!(offset >= 0 && offset <= size + 2)) expect.fail(`offset ${offset} of ${size} bytes`)
    return 0
  }
}

test('mutated stand-alone bytes give a value or CODEC', () => {
  const random = randomOf(1)
  const sources = SAMPLES.map((sample) => encode(sample))
  let values = 0
  for (let i = 0; i < MUTATIONS; i++) {
    const bytes = mutate(sources[i % sources.length]!, random)
    values += attempt(() => decode(bytes), bytes.length)
  }
  expect(values).toBeGreaterThan(MUTATIONS / 100)
  expect(values).toBeLessThan(MUTATIONS)
})

test('mutated records give a value or CODEC, whole and by field, and the codec goes on', () => {
  const random = randomOf(2)
  for (const keyed of [true, false]) {
    const codec = new RecordCodec({ keyed })
    const sources = SAMPLES.map((sample) => codec.encode(sample, '').slice())
    const paths = [['id'], ['tags', '1'], ['deep', 'a', 'b', 'c', '2'], ['far'], ['many', '39'], ['none']]
    for (let i = 0; i < MUTATIONS; i++) {
      const bytes = mutate(sources[i % sources.length]!, random)
      attempt(() => codec.decode(bytes, 0, bytes.length, 'k'), bytes.length)
      attempt(() => codec.field(bytes, 0, bytes.length, paths[i % paths.length]!, 'k'), bytes.length)
    }
    const good = codec.encode(SAMPLES[0]!, '')
    expect(codec.decode(good, 0, good.length, 'a')).toEqual(SAMPLES[0])
  }
})

test('random bytes give a value or CODEC', () => {
  const random = randomOf(3)
  const codec = new RecordCodec({ keyed: true })
  codec.encode({ id: 1, a: { b: 1 } }, '')
  for (let i = 0; i < MUTATIONS; i++) {
    const bytes = Uint8Array.from({ length: random(40) }, () => random(256))
    bytes[0] = i % 2 === 0 ? 0 : bytes[0]!
    attempt(() => decode(bytes), bytes.length)
    attempt(() => codec.decode(bytes, 0, bytes.length, 1), bytes.length)
  }
})
