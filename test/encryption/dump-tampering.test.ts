/**
 * A sealed dump, and somebody who can write its files. Whatever is done to them, a load of the folder, or of a file by
 * itself, ends in an error that names what is wrong, and nothing of it is written. Of a stream, whose end nobody sees
 * beforehand, at most whole batches from its beginning are.
 *
 * One random change at a time; every change in a known place is found at the piece it is in. A small file is also cut at
 * every byte, a large one at every end of a piece.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setU32 } from '../../src/base/binary.ts'
import { crc32 } from '../../src/base/checksum.ts'
import { BlazeError, type ErrorCode, isBlazeError } from '../../src/base/errors.ts'
import type { Database } from '../../src/engine/database.ts'
import { openDatabase } from '../../src/engine/open-database.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { type SeededRandom, seededRandom } from '../../src/platform/seeded-random.ts'
import { writeFile } from '../engine/dump/dump-fixture.ts'
import {
  bytesOf,
  type Files,
  filesIn,
  fillFolder,
  HEAD,
  IDENTITY,
  KEY,
  PART_AT,
  PIECE,
  streamOf,
} from '../engine/dump/sealed-fixture.ts'
import { closeChecked, freshPlatform, openOn } from '../engine/fixture.ts'
import { effort } from '../support/effort.ts'
import { figure } from '../support/figure.ts'
import { seed } from '../support/seed.ts'

/** BLAZEDB_EFFORT=10 makes the two thousand of the goals, all files together. */
const TAMPERINGS = 120
const FOLDER = '/tampered'
const MANIFEST = 'manifest.sealed'
const LARGE = '0001.sealed'
const SMALL = '0002.sealed'
const OPTIONS = { encryption: { key: KEY } } as const
const ALONE = { ...OPTIONS, collection: 'alone', format: 'ndjson', batchSize: 20 } as const

interface Subject {
  readonly platform: MemoryPlatform
  /** Empty, and so it stays. */
  readonly other: Database<unknown>
  readonly files: Files
  /** The same collections some commits earlier, under the same secret. */
  readonly earlier: Files
  /** The first collection as a file by itself, and another under the same secret. */
  readonly alone: Uint8Array
  readonly aloneToo: Uint8Array
}

async function subject(): Promise<Subject> {
  const platform = freshPlatform()
  const db = await openOn(platform)
  const rows = Array.from({ length: 320 }, (_, id) => ({ id, pad: `${id}`.repeat(300) }))
  for (const name of ['large', 'small', 'same'])
    await db.collection(name).insertMany(name === 'large' ? rows : rows.slice(0, 2))
  await db.dump('/earlier', OPTIONS)
  await db.collection('large').updateMany({ id: { lt: 9 } }, { changed: true })
  await db.dump('/now', OPTIONS)
  const alone = await bytesOf(db.dumpStream('large', OPTIONS))
  const aloneToo = await bytesOf(db.dumpStream('large', OPTIONS))
  await closeChecked(db)
  const { outside } = platform
  const other = await openDatabase(platform, '/other', {})
  return { platform, other, files: filesIn(outside, '/now'), earlier: filesIn(outside, '/earlier'), alone, aloneToo }
}

let given: Subject
beforeAll(async () => {
  given = await subject()
})
afterAll(() => closeChecked(given.other))

/** The error of a load; nothing may have been written. */
async function refusal(source: string, options: object = OPTIONS): Promise<BlazeError> {
  const { other } = given
  const error: unknown = await other.load(source, options).then(
    (report) => report,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof BlazeError))
    throw new Error(`loaded, or another error: ${JSON.stringify(error)}`, { cause: error })
  expect(other.collections()).toEqual([])
  expect(error.message).toContain('No record was written')
  return error
}

/** The folder with these files. */
function put(content: Files): void {
  fillFolder(given.platform.outside, FOLDER, content, there)
  there = content
}

let there: Files = new Map()

function pick<T>(random: SeededRandom, from: readonly T[]): T {
  return from[random.below(from.length)]!
}

/** Where the piece begins that this byte is in; in the head, where that is compared. */
function foundAt(at: number): number {
  if (at < IDENTITY) return 0
  if (at >= PART_AT && at < PART_AT + 4) return PART_AT
  return at < HEAD ? HEAD : at - ((at - HEAD) % PIECE)
}

function without(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array([...bytes.subarray(0, start), ...bytes.subarray(end)])
}

/** Starts of the pieces of a file that are full. */
function fullPieces(bytes: Uint8Array): number[] {
  const starts: number[] = []
  for (let at = HEAD; at + PIECE <= bytes.length; at += PIECE) starts.push(at)
  return starts
}

/** What was done to one file, where it has to be found (undefined: anywhere in it), and as what. */
interface Change {
  readonly bytes: Uint8Array
  readonly at?: number
  readonly codes?: readonly ErrorCode[]
}

/** Changes of a file of many pieces. */
const IN_A_FILE: Readonly<Record<string, (bytes: Uint8Array, random: SeededRandom, other: Uint8Array) => Change>> = {
  'a flipped bit'(bytes, random) {
    const at = random.below(bytes.length)
    const changed = bytes.slice()
    changed[at]! ^= 1 << random.below(8)
    return { bytes: changed, at: foundAt(at) }
  },
  'a flipped bit of the head'(bytes, random) {
    const at = random.below(HEAD)
    const changed = bytes.slice()
    changed[at]! ^= 1 << random.below(8)
    return { bytes: changed, at: foundAt(at) }
  },
  'two pieces swapped'(bytes, random) {
    const [first, second] = fullPieces(bytes).slice(random.below(2))
    const changed = bytes.slice()
    changed.set(bytes.subarray(second!, second! + PIECE), first!)
    changed.set(bytes.subarray(first!, first! + PIECE), second!)
    return { bytes: changed, at: first! }
  },
  'a piece repeated'(bytes, random) {
    const at = pick(random, fullPieces(bytes))
    const changed = new Uint8Array([...bytes.subarray(0, at + PIECE), ...bytes.subarray(at)])
    return { bytes: changed, at: at + PIECE }
  },
  'a piece left out'(bytes, random) {
    const at = pick(random, fullPieces(bytes))
    return { bytes: without(bytes, at, at + PIECE), at }
  },
  'a cut'(bytes, random) {
    return { bytes: bytes.slice(0, HEAD + random.below(bytes.length - HEAD)) }
  },
  'a cut at the end of a piece'(bytes, random) {
    const at = pick(random, fullPieces(bytes))
    return { bytes: bytes.slice(0, at + PIECE), at }
  },
  'bytes at its end'(bytes, random) {
    return { bytes: new Uint8Array([...bytes, ...new Uint8Array(1 + random.below(2 * PIECE))]) }
  },
  'zeros from somewhere on'(bytes, random) {
    const from = random.below(bytes.length - 16)
    return { bytes: bytes.slice().fill(0, from) }
  },
  'a piece of another file'(bytes, random, other) {
    const at = pick(random, fullPieces(other))
    const changed = bytes.slice()
    changed.set(other.subarray(at, at + PIECE), at)
    return { bytes: changed, at }
  },
  'the head of another file'(bytes, _random, other) {
    const changed = bytes.slice()
    changed.set(other.subarray(IDENTITY, HEAD), IDENTITY)
    return { bytes: changed }
  },
  'an edited lock, its checksum made right'(bytes, random) {
    const at = pick(random, [8, 12, 28, 32, 36, 40, 52, 84, 90, 120]) + random.below(4)
    const changed = bytes.slice()
    changed[at]! ^= 1 << random.below(8)
    setU32(changed, IDENTITY - 4, crc32(changed, 0, IDENTITY - 4))
    return { bytes: changed, at: 0, codes: ['TAMPERED', 'FORMAT_NEWER'] }
  },
}

function expectChange(error: BlazeError, path: string, { at, codes = ['TAMPERED'] }: Change, where: string): void {
  expect(codes, where).toContain(error.code)
  if (!isBlazeError(error, 'TAMPERED')) return
  expect(error.details.file, where).toBe(path)
  if (at !== undefined) expect(error.details.offset, where).toBe(at)
}

describe('a sealed dump that was changed is refused, and nothing is written', () => {
  it('is loaded when nothing was changed', async () => {
    const { other, files, alone } = given
    put(files)
    writeFile(given.platform.outside, '/alone', alone)
    const { collections } = await other.load(FOLDER, OPTIONS)
    expect(collections.map(({ name, records }) => [name, records])).toEqual([
      ['large', 320],
      ['small', 2],
      ['same', 2],
    ])
    expect((await other.load('/alone', ALONE)).collections[0]?.records).toBe(320)
    for (const name of other.collections()) await other.dropCollection(name)
    // Pieces enough for what follows.
    expect(fullPieces(files.get(LARGE)!).length).toBeGreaterThan(2)
  })

  it('by one change in one of its files', async () => {
    const random = seededRandom(seed())
    const kinds = Object.keys(IN_A_FILE)
    const wanted = effort(TAMPERINGS)
    for (let run = 0; run < wanted; run++) {
      const kind = kinds[run % kinds.length]!
      const change = IN_A_FILE[kind]!(given.files.get(LARGE)!, random, given.earlier.get(LARGE)!)
      put(new Map([...given.files, [LARGE, change.bytes]]))
      expectChange(await refusal(FOLDER), `${FOLDER}/${LARGE}`, change, `${kind}, run ${run}`)
    }
    figure('encryption', 'tamperings of sealed dumps, none unnoticed', wanted)
  })

  it('by one change in the manifest', async () => {
    const random = seededRandom(seed() + 1)
    const manifest = given.files.get(MANIFEST)!
    const wanted = effort(60)
    for (let run = 0; run < wanted; run++) {
      const changed = manifest.slice()
      const at = run % 2 === 0 ? random.below(HEAD) : HEAD + random.below(manifest.length - HEAD)
      changed[at]! ^= 1 << random.below(8)
      put(new Map([...given.files, [MANIFEST, changed]]))
      expectChange(await refusal(FOLDER), `${FOLDER}/${MANIFEST}`, { bytes: changed, at: foundAt(at) }, `byte ${at}`)
      const forged = IN_A_FILE['an edited lock, its checksum made right']!(manifest, random, manifest)
      put(new Map([...given.files, [MANIFEST, forged.bytes]]))
      const codes: readonly ErrorCode[] = ['WRONG_PASSWORD', 'FORMAT_NEWER', 'TAMPERED']
      expectChange(
        await refusal(FOLDER),
        `${FOLDER}/${MANIFEST}`,
        { bytes: forged.bytes, codes },
        `an edited lock, run ${run}`,
      )
    }
    figure('encryption', 'tamperings of sealed dumps, none unnoticed', wanted * 2)
  })

  it('by a cut at whichever byte of a small file and of the manifest', async () => {
    let cuts = 0
    for (const name of [SMALL, MANIFEST]) {
      const bytes = given.files.get(name)!
      for (let size = 0; size < bytes.length; size++) {
        // Of the manifest every seventh: it is longer, and no other than the file.
        if (name === MANIFEST && size % 7 !== 0) continue
        put(new Map([...given.files, [name, bytes.slice(0, size)]]))
        const error = await refusal(FOLDER, { ...OPTIONS, collections: ['small'] })
        expect(error, `${name} cut at ${size}`).toMatchObject({
          code: 'TAMPERED',
          details: { file: `${FOLDER}/${name}` },
        })
        cuts++
      }
    }
    figure('encryption', 'tamperings of sealed dumps, none unnoticed', cuts)
  })

  it('by files in the places of others, of this dump and of an earlier one', async () => {
    const { files, earlier } = given
    const names = [...files.keys()]
    let done = 0
    for (const name of names) {
      put(new Map([...files, [name, earlier.get(name)!]]))
      // With an older manifest it is the first file that is of another dump; with an older file it is that.
      const file = name === MANIFEST ? LARGE : name
      expect(await refusal(FOLDER), `${name} of the earlier dump`).toMatchObject({
        code: 'TAMPERED',
        details: { file: `${FOLDER}/${file}`, offset: 0 },
      })
      for (const from of names.filter((each) => each !== name)) {
        put(new Map([...files, [name, files.get(from)!]]))
        expect(await refusal(FOLDER), `${from} as ${name}`).toMatchObject({
          code: 'TAMPERED',
          details: { file: `${FOLDER}/${name}`, offset: PART_AT },
        })
        done++
      }
      const others = new Map(files)
      others.delete(name)
      put(others)
      const code = name === MANIFEST ? 'INVALID_ARGUMENT' : 'IO'
      expect(await refusal(FOLDER), `without ${name}`).toMatchObject({ code })
      done += 2
    }
    put(new Map([...files, [LARGE, given.alone]]))
    expect(await refusal(FOLDER)).toMatchObject({ code: 'TAMPERED', details: { offset: 0 } })
    figure('encryption', 'tamperings of sealed dumps, none unnoticed', done + 1)
  })

  it('by a plain manifest in the place of the sealed one, and one beside it is not looked at', async () => {
    const { files, other } = given
    const plain = new TextEncoder().encode('{"format":"blazedb-dump","formatVersion":1,"files":[]}')
    const replaced = new Map([...files, ['manifest.json', plain]])
    replaced.delete(MANIFEST)
    put(replaced)
    expect(await refusal(FOLDER)).toMatchObject({ code: 'NOT_ENCRYPTED' })
    put(new Map([...files, ['manifest.json', plain]]))
    expect(await refusal(FOLDER, {})).toMatchObject({ code: 'PASSWORD_REQUIRED' })
    expect((await other.load(FOLDER, OPTIONS)).collections).toHaveLength(3)
    for (const name of other.collections()) await other.dropCollection(name)
  })
})

describe('a sealed file by itself', () => {
  it('is refused with any change, before anything of it is written', async () => {
    const random = seededRandom(seed() + 2)
    const kinds = Object.keys(IN_A_FILE)
    const wanted = effort(TAMPERINGS / 2)
    for (let run = 0; run < wanted; run++) {
      const kind = kinds[run % kinds.length]!
      const change = IN_A_FILE[kind]!(given.alone, random, given.aloneToo)
      writeFile(given.platform.outside, '/alone', change.bytes)
      const error = await refusal('/alone', ALONE)
      // By itself a file is recognised by its first bytes, and its lock is the only one there is; a part is found as a head.
      const codes: readonly ErrorCode[] = [
        'TAMPERED',
        'FORMAT_NEWER',
        'WRONG_PASSWORD',
        'NOT_ENCRYPTED',
        'INVALID_ARGUMENT',
      ]
      expect(codes, `${kind}, run ${run}`).toContain(error.code)
      if (change.at !== undefined && change.at > HEAD) {
        expectChange(error, '/alone', change, `${kind}, run ${run}`)
      }
    }
    figure('encryption', 'tamperings of sealed dumps, none unnoticed', wanted)
  })

  it('that comes as a stream gives only records that were sealed, in their order, and an error', async () => {
    const random = seededRandom(seed() + 3)
    const kinds = Object.keys(IN_A_FILE)
    const wanted = effort(40)
    const { other } = given
    let kept = 0
    for (let run = 0; run < wanted; run++) {
      const kind = kinds[run % kinds.length]!
      const { bytes } = IN_A_FILE[kind]!(given.alone, random, given.aloneToo)
      const loading = other.load(streamOf(bytes), ALONE)
      await expect(loading, `${kind}, run ${run}`).rejects.toBeInstanceOf(BlazeError)
      if (other.collections().length === 0) continue
      const found = other.collection('alone').orderBy('id').all()
      expect(found.map(({ id }) => id)).toEqual(Array.from({ length: found.length }, (_, id) => id))
      for (const { id, pad } of found) expect(pad).toBe(`${String(id)}`.repeat(300))
      kept += found.length
      await other.dropCollection('alone')
    }
    expect(kept).toBeGreaterThan(0)
  })
})
