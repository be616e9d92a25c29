import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { digest } from '../../src/platform/checksums.ts'
import { StreamError } from '../../src/platform/platform.ts'
import { byteStreams } from '../../src/platform/streams.ts'

async function* pieces(...all: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all
}

async function whole(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of source) parts.push(part)
  return Buffer.concat(parts)
}

const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7) % 251)

test('what is compressed comes back, and any gzip reads it', async () => {
  for (const source of [[], [bytes], [bytes.subarray(0, 5), new Uint8Array(0), bytes.subarray(5)]]) {
    const packed = await whole(byteStreams.gzip(pieces(...source)))
    expect(gunzipSync(packed).equals(Buffer.concat(source))).toBe(true)
    const back = await whole(byteStreams.gunzip(pieces(packed.subarray(0, 3), packed.subarray(3))))
    expect(back.equals(Buffer.concat(source))).toBe(true)
  }
})

test('what is no gzip, damaged or cut is a StreamError', async () => {
  const packed = await whole(byteStreams.gzip(pieces(bytes)))
  const damaged = packed.map((byte, i) => (i === packed.length - 3 ? byte ^ 1 : byte))
  for (const wrong of [bytes, packed.subarray(0, -1), packed.subarray(0, 5), damaged]) {
    await expect(whole(byteStreams.gunzip(pieces(wrong)))).rejects.toBeInstanceOf(StreamError)
  }
})

test('an early end ends the source, and an error of the source comes out as it is', async () => {
  let ended = 0
  const mine = new Error('mine')
  async function* source(fails: boolean): AsyncGenerator<Uint8Array> {
    try {
      for (let n = 0; ; n++) {
        yield bytes
        if (fails && n === 3) throw mine
      }
    } finally {
      ended++
    }
  }
  for await (const part of byteStreams.gzip(source(false))) {
    expect(part.length).toBeGreaterThan(0)
    break
  }
  await expect(whole(byteStreams.gzip(source(true)))).rejects.toBe(mine)
  await new Promise((resolve) => setImmediate(resolve))
  expect(ended).toBe(2)
})

test('a digest in pieces is the digest of the whole', () => {
  const running = digest.sha256InPieces()
  for (let at = 0; at < bytes.length; at += 777) running.add(bytes.subarray(at, at + 777))
  expect(running.finish()).toEqual(digest.sha256(bytes))
})
