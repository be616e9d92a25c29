/**
 * Golden vectors of operations, packed arrays and streams of format 0: bytes that every later version reads, and that
 * this version writes. A line of `vectors/exchange-0.txt` is a name and bytes in hexadecimal; the values are here. While
 * the format is not released, the file may be removed: this test writes it anew, and passes from then on. Later a change
 * of it is a new format.
 */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import type { Operation } from '../../src/base/operation.ts'
import {
  decodeArray,
  decodeOperations,
  decodeStream,
  encodeArray,
  encodeOperations,
  encodeStream,
} from '../../src/entry/codec.ts'
import { expectSame } from './same.ts'

const file = fileURLToPath(new URL('./vectors/exchange-0.txt', import.meta.url))

const replica = Uint8Array.from({ length: 16 }, (_, i) => i + 1)
const first: Operation = {
  replica,
  seq: 41,
  hlcMs: 1_700_000_000_000,
  hlcCounter: 0,
  schema: 1,
  changes: [{ collection: 'bugs', id: 'b1', kind: 'insert', fields: { title: 'Crash', votes: 7 } }],
}
const second: Operation = {
  replica,
  seq: 42,
  hlcMs: 1_700_000_000_025,
  hlcCounter: 65_535,
  schema: 2,
  changes: [
    {
      collection: 'bugs',
      id: '0190a6f0-1234-7abc-8def-0123456789ab',
      kind: 'insert',
      fields: { id: '0190a6f0-1234-7abc-8def-0123456789ab', title: 'ж', when: new Date(0), tags: ['ui'] },
    },
    { collection: 'bugs', id: 'b1', kind: 'update', fields: { votes: 8 }, removed: ['title', 'ж'] },
    { collection: 'people', id: -3, kind: 'delete' },
    { collection: 'people', id: 2 ** 53 - 1, kind: 'delete' },
  ],
}
const other: Operation = { ...first, replica: new Uint8Array(16), seq: 2 ** 48 - 1, hlcMs: 0, changes: [] }

const operations: Readonly<Record<string, readonly Operation[]>> = {
  'one operation': [first],
  'no operation': [],
  'three operations of two replicas': [first, second, other],
}

const records = [
  { id: 1, title: 'Crash' },
  { id: 2, title: 'ж', tags: ['ui', 'ui'] },
  { id: 3, title: 'Crash' },
]
const alike = Array.from({ length: 40 }, (_, id) => ({ id, title: 'the same' }))

async function written(): Promise<Map<string, Uint8Array>> {
  const vectors = new Map<string, Uint8Array>()
  for (const [name, list] of Object.entries(operations)) vectors.set(name, encodeOperations(list))
  vectors.set('a stream of two blocks', await streamOf(encodeStream(records, { recordsPerBlock: 2 })))
  vectors.set('an empty stream', await streamOf(encodeStream([])))
  return vectors
}

async function streamOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const list: Uint8Array[] = []
  for await (const chunk of chunks) list.push(chunk)
  return new Uint8Array(Buffer.concat(list))
}

/** A compressor of another version may make other bytes of the same records: these are read for ever, and not compared. */
async function compressed(): Promise<Map<string, Uint8Array>> {
  return new Map([
    ['a deflated array', encodeArray(alike, { compression: 'deflate' })],
    ['an array in brotli', encodeArray(alike, { compression: 'brotli' })],
    ['a deflated stream', await streamOf(encodeStream(alike, { compression: 'deflate' }))],
  ])
}

function readVectors(): Map<string, Uint8Array> {
  if (!existsSync(file)) return new Map()
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  return new Map(
    lines.map((line) => {
      const [name = '', hex = ''] = line.split(': ')
      return [name, new Uint8Array(Buffer.from(hex, 'hex'))]
    }),
  )
}

const format = (vectors: Iterable<readonly [string, Uint8Array]>): string =>
  `${[...vectors].map(([name, bytes]) => `${name}: ${toHex(bytes)}`).join('\n')}\n`

test('what is written is the same for ever', async () => {
  const stored = readVectors()
  const kept = [...(await compressed())].map(([name, bytes]) => [name, stored.get(name) ?? bytes] as const)
  await expect(format([...(await written()), ...kept])).toMatchFileSnapshot(file)
})

test('what was ever written is read', async () => {
  const vectors = readVectors()
  const bytesOf = (name: string): Uint8Array => vectors.get(name) ?? expect.fail(`no vector '${name}'`)
  for (const [name, list] of Object.entries(operations)) expectSame(decodeOperations(bytesOf(name)), list)
  const recordsOf = async (name: string): Promise<unknown[]> => {
    const list: unknown[] = []
    for await (const record of decodeStream([bytesOf(name)])) list.push(record)
    return list
  }
  expectSame(await recordsOf('a stream of two blocks'), records)
  expectSame(await recordsOf('an empty stream'), [])
  expectSame(await recordsOf('a deflated stream'), alike)
  expectSame(decodeArray(bytesOf('a deflated array')), alike)
  expectSame(decodeArray(bytesOf('an array in brotli')), alike)
})
