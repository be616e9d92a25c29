import { once } from 'node:events'
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import { setU32 } from '../../src/base/binary.ts'
import { crc32 } from '../../src/base/checksum.ts'
import type { CompressionMethod } from '../../src/base/compression.ts'
import { isBlazeError } from '../../src/base/errors.ts'
import { HEAD } from '../../src/codec/stream-format.ts'
import {
  type DecodeStreamOptions,
  decodeStream,
  type EncodeStreamOptions,
  encodeStream,
} from '../../src/entry/codec.ts'
import { nodeCompressor } from '../../src/platform/compression.ts'
import { fields } from '../../src/testing/arbitraries/record.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { bugs, randomOf } from './bugs.ts'
import { expectSame } from './same.ts'

const records = fields()

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of source) list.push(item)
  return list
}

async function bytesOf(list: Iterable<object>, options?: EncodeStreamOptions): Promise<Uint8Array> {
  return new Uint8Array(Buffer.concat(await all(encodeStream(list, options))))
}

function cut(bytes: Uint8Array, sizeOf: () => number): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = sizeOf()
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

const read = (bytes: Uint8Array, options?: DecodeStreamOptions) => all(decodeStream([bytes], options))

/** A source that tells when it was closed, and counts what was pulled. */
function watched<T>(list: Iterable<T>) {
  const seen = { pulled: 0, closed: 0 }
  async function* source(): AsyncGenerator<T> {
    try {
      for (const item of list) {
        seen.pulled++
        yield item
      }
    } finally {
      seen.closed++
    }
  }
  return { seen, source: source() }
}

/** The blocks of a stream, head apart: kind, and the bytes of it. */
function blocksOf(bytes: Uint8Array): { kind: number; bytes: Uint8Array }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const blocks: { kind: number; bytes: Uint8Array }[] = []
  for (let at = HEAD.length; at < bytes.length; ) {
    const end = at + 10 + view.getUint32(at + 2, true) + 4
    blocks.push({ kind: bytes[at]!, bytes: bytes.slice(at, end) })
    at = end
  }
  return blocks
}

/** Puts blocks behind a head again, with checksums that fit. */
function chained(blocks: readonly Uint8Array[]): Uint8Array {
  let checksum = crc32(HEAD, 0, HEAD.length)
  for (const block of blocks) {
    checksum = crc32(block, 0, block.length - 4, checksum)
    setU32(block, block.length - 4, checksum)
  }
  return new Uint8Array(Buffer.concat([HEAD, ...blocks]))
}

const codecError = expect.objectContaining({ code: 'CODEC' })

test('any records come back in order, in any blocks, from any chunks', async () => {
  const random = randomOf(seed())
  await fc.assert(
    fc.asyncProperty(
      fc.array(records, { maxLength: 30 }),
      fc.constantFrom('none', 'deflate', 'brotli'),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 400 }),
      async (list, compression, recordsPerBlock, bytesPerBlock) => {
        const bytes = await bytesOf(list, { compression, recordsPerBlock, bytesPerBlock })
        expectSame(await all(decodeStream(cut(bytes, () => random(40)))), list)
        expectSame(await all(decodeStream(cut(bytes, () => 1))), list)
        expectSame(await read(bytes), list)
      },
    ),
    { numRuns: effort(80), seed: seed() },
  )
})

const METHODS: readonly CompressionMethod[] = ['deflate', 'brotli', 'zstd']

test.each(METHODS.filter((method) => nodeCompressor.has(method)))('%s makes a stream smaller', async (compression) => {
  const list = bugs(2000)
  const plain = await bytesOf(list)
  const packed = await bytesOf(list, { compression })
  expect(packed.length).toBeLessThan(0.6 * plain.length)
  expectSame(await read(packed), list)
})

test('names are spelt once, in the block that needs them first', async () => {
  const list = Array.from({ length: 40 }, (_, i) => (i < 20 ? { firstName: i } : { firstName: i, lastName: i }))
  const blocks = blocksOf(await bytesOf(list, { recordsPerBlock: 10 }))
  const naming = (name: string): boolean[] => blocks.map(({ bytes }) => Buffer.from(bytes).includes(name))
  expect(naming('firstName')).toEqual([true, false, true, false, false])
  expect(naming('lastName')).toEqual([false, false, true, false, false])
})

test('an empty stream is a head and an end', async () => {
  const bytes = await bytesOf([])
  expect(bytes.length).toBe(HEAD.length + 15)
  expect(await read(bytes)).toEqual([])
})

test('a source that fills its buffer again and again is read right', async () => {
  const list = bugs(500)
  const bytes = await bytesOf(list, { recordsPerBlock: 7 })
  function* reused(): Generator<Uint8Array> {
    const buffer = Buffer.alloc(1000)
    for (let at = 0; at < bytes.length; at += 1000) {
      const part = bytes.subarray(at, at + 1000)
      buffer.fill(0xee)
      buffer.set(part)
      yield buffer.subarray(0, part.length)
    }
  }
  expectSame(await all(decodeStream(reused())), list)
})

test('a file is written and read through streams of Node', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'blazedb-stream-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'bugs.blz')
  const list = bugs(3000)
  await pipeline(Readable.from(encodeStream(list, { compression: 'deflate' })), createWriteStream(file))
  expectSame(await all(decodeStream(createReadStream(file))), list)
  expectSame(await all(decodeStream(createReadStream(file, { highWaterMark: 13 }))), list)
})

test('a socket carries a stream', async () => {
  const list = bugs(2000)
  const server = createServer((socket) => void pipeline(Readable.from(encodeStream(list)), socket))
  onTestFinished(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') return expect.fail('no port')
  expectSame(await all(decodeStream(connect(address.port, '127.0.0.1'))), list)
})

test('both ways hold one block, however long the stream', async () => {
  const blockRecords = 50
  const { seen, source } = watched(bugs(1000))
  let read = 0
  let farthest = 0
  for await (const _ of decodeStream(encodeStream(source, { recordsPerBlock: blockRecords }))) {
    farthest = Math.max(farthest, seen.pulled - ++read)
  }
  expect(read).toBe(1000)
  expect(farthest).toBeLessThanOrEqual(blockRecords)
})

test('a block is closed by bytes as well as by records', async () => {
  const list = Array.from({ length: 100 }, () => ({ text: 'x'.repeat(1000), deep: { list: ['y'.repeat(500)] } }))
  const sizes = blocksOf(await bytesOf(list, { bytesPerBlock: 16_384 })).map(({ bytes }) => bytes.length)
  expect(sizes.length).toBe(100 / 10 + 1)
  for (const size of sizes) expect(size).toBeLessThan(20_000)
})

test('a consumer that stops early, or throws, closes the source', async () => {
  const options = { recordsPerBlock: 10 }
  const encoding = watched(bugs(100))
  for await (const _ of encodeStream(encoding.source, options)) break
  expect(encoding.seen).toEqual({ pulled: 10, closed: 1 })

  const signalled = watched(bugs(100))
  for await (const _ of encodeStream(signalled.source, { ...options, signal: new AbortController().signal })) break
  expect(signalled.seen).toEqual({ pulled: 10, closed: 1 })

  const chunks = await all(encodeStream(bugs(100), options))
  const decoding = watched(chunks)
  const thrown = new Error('enough')
  const consume = async (): Promise<void> => {
    for await (const _ of decodeStream(decoding.source)) throw thrown
  }
  await expect(consume()).rejects.toBe(thrown)
  expect(decoding.seen).toEqual({ pulled: 1, closed: 1 })

  const generator = encodeStream(watched(bugs(100)).source, options)
  await generator.next()
  await expect(generator.throw(thrown)).rejects.toBe(thrown)
  expect(await generator.next()).toEqual({ done: true, value: undefined })
})

test('damage closes the source, and what the source throws comes through', async () => {
  const bad = watched([Uint8Array.from({ length: 100 }, () => 1), new Uint8Array(5)])
  await expect(all(decodeStream(bad.source))).rejects.toThrow(codecError)
  expect(bad.seen).toEqual({ pulled: 1, closed: 1 })

  const broken = new Error('disk gone')
  const failing = Readable.from(
    (function* () {
      yield HEAD
      throw broken
    })(),
  )
  await expect(all(decodeStream(failing))).rejects.toBe(broken)
  const refused = watched([{ a: 1 }, { a: Symbol('no') }, { a: 2 }])
  await expect(all(encodeStream(refused.source, { recordsPerBlock: 1 }))).rejects.toThrow(
    expect.objectContaining({ code: 'INVALID_VALUE', details: { path: '[1].a' } }),
  )
  expect(refused.seen).toEqual({ pulled: 2, closed: 1 })
})

test('the number in a path counts from the first record of the stream', async () => {
  const list = [...bugs(25), { tags: [0, new Map()] }]
  await expect(bytesOf(list, { recordsPerBlock: 10 })).rejects.toThrow(/^\[25\]\.tags\[1\]: /)
})

test('an abort ends both ways, also while the source is silent', async () => {
  const reason = new Error('shut down')
  const aborted = expect.objectContaining({ code: 'ABORTED', name: 'AbortError', cause: reason })
  for (const make of [encodeStream, decodeStream]) {
    const controller = new AbortController()
    let closed = false
    const silent = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => undefined),
        return: () => {
          closed = true
          return new Promise<never>(() => undefined)
        },
      }),
    }
    const next = make(silent, { signal: controller.signal }).next()
    controller.abort(reason)
    await expect(next).rejects.toThrow(aborted)
    expect(closed).toBe(true)
  }
  const before = watched(bugs(5))
  await expect(all(encodeStream(before.source, { signal: AbortSignal.abort(reason) }))).rejects.toThrow(aborted)
  expect(before.seen.pulled).toBe(0)

  const controller = new AbortController()
  const chunks = await all(encodeStream(bugs(100), { recordsPerBlock: 10 }))
  const during = watched(chunks)
  const got: unknown[] = []
  const consume = async (): Promise<void> => {
    for await (const bug of decodeStream(during.source, { signal: controller.signal })) {
      if (got.push(bug) === 15) controller.abort(reason)
    }
  }
  await expect(consume()).rejects.toThrow(aborted)
  expect(got.length).toBe(20)
  expect(during.seen).toEqual({ pulled: 2, closed: 1 })
})

test('a signal that is not aborted changes nothing, and no listener stays', async () => {
  const { signal } = new AbortController()
  const add = vi.spyOn(signal, 'addEventListener')
  const remove = vi.spyOn(signal, 'removeEventListener')
  const list = bugs(50)
  expectSame(await all(decodeStream(encodeStream(list, { signal }), { signal })), list)
  expect(add.mock.calls.length).toBeGreaterThan(50)
  expect(new Set(remove.mock.calls.map(([, listener]) => listener))).toEqual(
    new Set(add.mock.calls.map(([, listener]) => listener)),
  )
})

test('every truncation is noticed, with the offset where the bytes end', async () => {
  const bytes = await bytesOf(bugs(12), { recordsPerBlock: 5 })
  for (let end = 0; end < bytes.length; end++) {
    const details = { offset: end }
    await expect(read(bytes.subarray(0, end))).rejects.toThrow(expect.objectContaining({ code: 'CODEC', details }))
  }
})

test('bytes after the end are noticed, in the same chunk and in the next', async () => {
  const bytes = await bytesOf(bugs(3))
  const details = { offset: bytes.length }
  for (const chunks of [[Uint8Array.of(...bytes, 0)], [bytes, Uint8Array.of(0)]])
    await expect(all(decodeStream(chunks))).rejects.toThrow(expect.objectContaining({ code: 'CODEC', details }))
  expect((await all(decodeStream([bytes, new Uint8Array(0)]))).length).toBe(3)
})

test('every changed byte is noticed, at or before it, and only good records come first', async () => {
  const list = bugs(12)
  const bytes = await bytesOf(list, { recordsPerBlock: 5 })
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice()
    changed[at]! ^= 1 << (at % 8)
    const got: unknown[] = []
    try {
      for await (const bug of decodeStream([changed])) got.push(bug)
      expect.fail(`the change of byte ${at} was not noticed`)
    } catch (error) {
      if (!isBlazeError(error, 'CODEC')) throw error
      // A size that has grown is noticed where the bytes end.
      if (!error.message.includes('end of the bytes')) expect(error.details.offset).toBeLessThanOrEqual(at)
    }
    expectSame(got, list.slice(0, got.length))
  }
})

test('a block that is missing, doubled or moved is noticed', async () => {
  const bytes = await bytesOf(bugs(20), { recordsPerBlock: 5 })
  const [a, b, c, d, end] = blocksOf(bytes).map((block) => block.bytes)
  const wrong = [[a, b, d, end], [b, c, d, end], [a, b, c, end], [a, b, b, c, d, end], [a, c, b, d, end], [end]]
  for (const blocks of wrong) {
    // All five are there.
    const stream = Buffer.concat([HEAD, ...(blocks as Uint8Array[])])
    await expect(read(stream)).rejects.toThrow(codecError)
  }
  // Checksums that fit do not help: the end says how many there were.
  await expect(read(chained([a!, b!, d!, end!]))).rejects.toThrow(/20 records announced, and 15 read/)
  expect((await read(chained([a!, b!, c!, d!, end!]))).length).toBe(20)
})

test('a block of a later version is skipped by its length, however long, and its checksum is checked', async () => {
  const list = bugs(10)
  const blocks = blocksOf(await bytesOf(list, { recordsPerBlock: 5 })).map((block) => block.bytes)
  for (const size of [0, 1, 5000]) {
    const later = new Uint8Array(10 + size + 4).fill(0xab)
    later[0] = 7
    setU32(later, 2, size)
    setU32(later, 6, 0xffff_ffff)
    const stream = chained([blocks[0]!, later.slice(), blocks[1]!, later.slice(), blocks[2]!])
    for (const step of [1, 7, stream.length])
      expectSame(
        await all(
          decodeStream(
            cut(stream, () => step),
            { maxBlockBytes: 4000 },
          ),
        ),
        list,
      )
    const damaged = stream.slice()
    damaged[HEAD.length + blocks[0]!.length + 10 + size]! ^= 1
    await expect(read(damaged)).rejects.toThrow(codecError)
  }
})

test('a block above the limit is refused by its head, before it arrives', async () => {
  const bytes = await bytesOf(bugs(100))
  await expect(read(bytes.subarray(0, HEAD.length + 10), { maxBlockBytes: 1000 })).rejects.toThrow(/limit of 1000/)
  const huge = Uint8Array.of(...HEAD, 1, 0, 255, 255, 255, 255, 255, 255, 255, 255)
  await expect(read(huge)).rejects.toThrow(/4294967295 bytes, above the limit/)
  const bomb = await bytesOf(
    Array.from({ length: 1000 }, () => ({ text: 'x'.repeat(1000) })),
    { compression: 'brotli', bytesPerBlock: 2_000_000 },
  )
  expect(bomb.length).toBeLessThan(10_000)
  await expect(read(bomb, { maxBlockBytes: 100_000 })).rejects.toThrow(/above the limit of 100000/)
})

test('a block that says another number of records than it has is refused', async () => {
  const [block, end] = blocksOf(await bytesOf(bugs(5))).map(({ bytes }) => bytes)
  block![10] = 4
  await expect(read(chained([block!, end!]))).rejects.toThrow(/5 records instead of 4/)
  const crowded = Uint8Array.of(1, 0, 3, 0, 0, 0, 3, 0, 0, 0, 0x81, 0x80, 0x04, 0, 0, 0, 0)
  await expect(read(chained([crowded]))).rejects.toThrow(/65537 records in a block/)
})

test('a block that compression does not make smaller stays as it is', async () => {
  const random = randomOf(5)
  const noise = [{ noise: Uint8Array.from({ length: 3000 }, () => random(256)) }]
  expect(await bytesOf(noise, { compression: 'deflate' })).toEqual(await bytesOf(noise))
})

test('a record that holds itself is refused', async () => {
  const cyclic: { self?: object } = {}
  cyclic.self = cyclic
  await expect(bytesOf([cyclic])).rejects.toThrow(expect.objectContaining({ code: 'INVALID_VALUE' }))
})

test('what is no stream is told from a damaged one, and a later format from both', async () => {
  await expect(read(gzipSync('hello, this is no stream'))).rejects.toThrow(/no stream of records/)
  const bytes = await bytesOf([])
  bytes[7] = 1
  await expect(read(bytes)).rejects.toThrow(/format 1/)
  await expect(read(new Uint8Array(0))).rejects.toThrow(expect.objectContaining({ details: { offset: 0 } }))
  const text = ['hello'] as unknown as Uint8Array[]
  await expect(all(decodeStream(text))).rejects.toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
})

test('options that cannot be are refused at the call', () => {
  const options: EncodeStreamOptions[] = [
    { recordsPerBlock: 0 },
    { recordsPerBlock: 65_537 },
    { bytesPerBlock: 1.5 },
    { bytesPerBlock: 2 ** 30 },
    { compression: 'lzma' as 'none' },
  ]
  for (const given of options)
    expect(() => encodeStream([], given)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  for (const maxBlockBytes of [0, Number.NaN, 2 ** 31])
    expect(() => decodeStream([], { maxBlockBytes })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
})

test('mutated streams whose checksums fit give records or CODEC', async () => {
  const random = randomOf(seed())
  const sources = await Promise.all(
    (['none', 'deflate'] as const).map((compression) => bytesOf(bugs(9), { compression, recordsPerBlock: 4 })),
  )
  for (let i = 0; i < effort(800); i++) {
    const blocks = blocksOf(sources[i % 2]!).map(({ bytes }) => bytes)
    const block = blocks[random(blocks.length)]!
    for (let n = 0; n <= random(3); n++) block[6 + random(block.length - 10)] = random(256)
    try {
      await read(chained(blocks), { maxBlockBytes: 1 << 20 })
    } catch (error) {
      if (!isBlazeError(error, 'CODEC')) throw error
    }
  }
})

test('a stream goes through a pipeline of Node that cuts and joins it', async () => {
  const list = bugs(500)
  const cutting = new Transform({
    transform(chunk: Buffer, _, done) {
      for (let at = 0; at < chunk.length; at += 100) this.push(chunk.subarray(at, at + 100))
      done()
    },
  })
  const source = Readable.from(encodeStream(list), { objectMode: false }).pipe(cutting)
  expectSame(await all(decodeStream(source)), list)
})
