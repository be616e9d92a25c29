/**
 * `npm run bench -- frames`: what compressing the frames of the log would save, and what it would cost where: on the way of
 * a commit to the disk, and in a cold read, which takes a whole frame. The frames are those of a real log: one that was
 * loaded in batches, whose frames are full, and one of durable inserts, alone and 64 at once, whose frames hold what was
 * there when the disk was free. Only payloads are compressed: a head must be readable. The decision that rests on this is
 * docs/decisions/0017-log-frames-are-not-compressed.md.
 */
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import * as zlib from 'node:zlib'
import { load, openStore } from './adapters/blazedb.mjs'
import { bugs } from './data/bugs.mjs'
import { scratch } from './measure/directories.mjs'
import { median } from './measure/statistics.mjs'

const BATCH = 1000
/** Single inserts: enough for types to be learnt, and frames of typed records to be many. */
const SINGLE_COMMITS = 2000
const CONCURRENT_COMMITTERS = 64
/** Frames of one record that a dictionary is made of: about 32 KB, all that deflate looks back. They are not measured. */
const DICTIONARY_FRAMES = 150
/** Frames of one log that are timed. */
const TIMED_FRAMES = 300

const { BROTLI_PARAM_QUALITY } = zlib.constants
const brotli = (quality) => (bytes) => zlib.brotliCompressSync(bytes, { params: { [BROTLI_PARAM_QUALITY]: quality } })
const METHODS = [
  { name: 'deflate 1', pack: (bytes) => zlib.deflateRawSync(bytes, { level: 1 }), restore: zlib.inflateRawSync },
  { name: 'deflate 6', pack: (bytes) => zlib.deflateRawSync(bytes, { level: 6 }), restore: zlib.inflateRawSync },
  { name: 'brotli 1', pack: brotli(1), restore: zlib.brotliDecompressSync },
  { name: 'brotli 4', pack: brotli(4), restore: zlib.brotliDecompressSync },
  ...(zlib.zstdCompressSync === undefined
    ? []
    : [{ name: 'zstd', pack: (bytes) => zlib.zstdCompressSync(bytes), restore: zlib.zstdDecompressSync }]),
]

export async function logFrames({ records, seed, directory, quick }) {
  const library = await load()
  const format = { ...(await import('../dist/wal/frame.js')), ...(await import('../dist/platform/checksums.js')) }
  const folders = scratch(directory)
  const all = bugs(records, seed)
  const singles = bugs(SINGLE_COMMITS, seed + 1)
  const logs = [
    { name: `log of batches of ${BATCH}`, list: all, fill: batches },
    { name: 'log of one commit at a time', list: singles, fill: oneByOne, dictionary: true },
    { name: `log of ${CONCURRENT_COMMITTERS} commits at once`, list: singles, fill: concurrently },
    { name: 'pages, three indexes among them', list: all, fill: batches, folder: 'pages', indexes: true },
  ]
  try {
    for (const { name, list, fill, dictionary = false, folder = 'log', indexes = false } of logs) {
      const directory = folders.fresh('frames')
      const store = await openStore(library, directory, { indexes })
      await fill(store, list)
      await store.close()
      const frames = framesOf(join(directory, folder), format)
      const found = frames.length
      const methods = dictionary ? [...METHODS, withDictionary(frames.splice(-DICTIONARY_FRAMES))] : METHODS
      report({ name, records: list.length * (frames.length / found), frames, methods, rounds: quick ? 3 : 9 }, format)
      folders.drop(directory)
    }
  } finally {
    folders.close()
  }
}

async function batches(store, list) {
  for (let i = 0; i < list.length; i += BATCH) await store.insertBatch(list.slice(i, i + BATCH))
}

async function oneByOne(store, list) {
  for (const record of list) await store.insert(record)
}

async function concurrently(store, list) {
  for (let i = 0; i < list.length; i += CONCURRENT_COMMITTERS)
    await Promise.all(list.slice(i, i + CONCURRENT_COMMITTERS).map((record) => store.insert(record)))
}

/** Each record for itself, with what records are like in a dictionary: 32 KB of the same log. */
function withDictionary(frames) {
  const dictionary = Buffer.concat(frames.map(({ payload }) => payload))
  return {
    name: 'deflate 6 with a dictionary',
    pack: (bytes) => zlib.deflateRawSync(bytes, { level: 6, dictionary }),
    restore: (bytes) => zlib.inflateRawSync(bytes, { dictionary }),
  }
}

/** The frames of all segments: where each is, and its payload. */
function framesOf(folder, { SEGMENT_HEAD, FRAME_HEAD, LENGTH_AT }) {
  const frames = []
  for (const name of readdirSync(folder)) {
    const file = join(folder, name)
    const bytes = readFileSync(file)
    for (let at = SEGMENT_HEAD; at + FRAME_HEAD < bytes.length; ) {
      const size = bytes.readUInt32LE(at + LENGTH_AT)
      if (size === 0) break
      frames.push({ file, at, size, payload: bytes.subarray(at + FRAME_HEAD, at + size) })
      at += size
    }
  }
  return frames
}

function report({ name, records, frames, methods: given, rounds }, format) {
  const bytes = frames.reduce((sum, { size }) => sum + size, 0)
  const step = Math.max(1, frames.length / TIMED_FRAMES)
  const timed = Array.from({ length: Math.min(frames.length, TIMED_FRAMES) }, (_, i) => frames[Math.floor(i * step)])
  const methods = given.map((method) => ({
    ...method,
    packUs: [],
    restoreUs: [],
    packed: timed.map(() => undefined),
  }))
  const readUs = []
  for (let round = 0; round <= rounds; round++) {
    readUs.push(timeReads(timed, format))
    for (const method of methods) {
      const packUs = perFrameUs(timed, ({ payload }, i) => {
        method.packed[i] = method.pack(payload)
      })
      const restoreUs = perFrameUs(timed, (_, i) => method.restore(method.packed[i]))
      // The first round warms up.
      if (round > 0) method.packUs.push(packUs)
      if (round > 0) method.restoreUs.push(restoreUs)
    }
  }
  const perFrame = records / frames.length
  console.log(
    `\n${name}: ${records} records in ${frames.length} frames, ${(bytes / records).toFixed(0)} bytes a record`,
  )
  console.log(`a frame read from the page cache and verified: ${median(readUs).toFixed(1)} µs`)
  for (const { name, pack, packUs, restoreUs } of methods) {
    const left = frames.reduce((sum, frame) => sum + storedSize(frame, pack), 0) / bytes
    const us = median(packUs)
    console.log(
      `${name}  ${(100 * left).toFixed(0)} % left, to compress ${us.toFixed(0)} µs a frame, ${(us / perFrame).toFixed(2)} a record; to restore ${median(restoreUs).toFixed(0)} µs a frame`,
    )
  }
}

/** Bytes of a frame with its payload compressed, or as it is when that is no larger. Frames begin at multiples of 8. */
function storedSize({ size, payload }, pack) {
  return Math.min(size, size - payload.length + ((pack(payload).length + 7) & ~7))
}

/** What a cold read does now: the frame from the file, and its checksum. */
function timeReads(frames, { crc32 }) {
  const files = new Map(frames.map(({ file }) => [file, openSync(file, 'r')]))
  const target = new Uint8Array(Math.max(...frames.map(({ size }) => size)))
  const us = perFrameUs(frames, ({ file, at, size }) => {
    readSync(files.get(file), target, 0, size, at)
    crc32(target, 0, size, 0)
  })
  for (const file of files.values()) closeSync(file)
  return us
}

function perFrameUs(frames, act) {
  const begun = performance.now()
  frames.forEach(act)
  return ((performance.now() - begun) * 1000) / frames.length
}
