/**
 * The proof of a file before anything of it is loaded: of a dump's its size, its SHA-256, and how many records it has; of
 * a sealed one also that every piece of it opens.
 */
import { corrupt } from '../../base/errors.ts'
import type { Platform, RunningDigest } from '../../platform/platform.ts'
import { StreamError } from '../../platform/platform.ts'
import type { DumpedFile } from './manifest.ts'
import { counting, readPieces, toHex } from './outside-file.ts'
import type { Pacer } from './pacer.ts'
import { plainPieces } from './source-text.ts'

const LF = 0x0a
const QUOTE = 0x22

/** Makes of a file's bytes, as they lie there, those that were dumped. */
export type Unsealing = (pieces: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>

export interface Verifying {
  readonly unseal: Unsealing
  readonly pacer: Pacer
  /** Hears how many bytes of the file were read. */
  readonly told: (bytes: number) => void
}

/** Throws CORRUPT or TAMPERED unless the file is exactly the one that the manifest names. */
export async function verifyFile(
  platform: Platform,
  path: string,
  expected: DumpedFile,
  { unseal, pacer, told }: Verifying,
): Promise<void> {
  const seal = new FileSeal(platform.digest.sha256InPieces())
  const ends = new RowEnds(expected.format === 'csv')
  const pieces = unseal(seal.over(readPieces(platform.outside, path)))
  try {
    for await (const piece of plainPieces(pieces, platform.streams)) {
      ends.add(piece)
      told(seal.sizeBytes)
      await pacer.step()
    }
  } catch (error) {
    // A file that cannot even be unfolded is told as what it is: not the one that was written.
    if (error instanceof StreamError) throw corrupt(path, 0, 'a gzip stream', error.message)
    throw error
  }
  seal.assertEqual(path, expected)
  const header = expected.format === 'csv' ? 1 : 0
  if (ends.count - header !== expected.records) {
    throw corrupt(path, 0, `${expected.records} records`, `${ends.count - header}`)
  }
}

/** Throws TAMPERED unless every piece of a sealed file opens, to the last. */
export async function verifySealed(
  platform: Platform,
  path: string,
  { unseal, pacer, told }: Verifying,
): Promise<void> {
  let bytes = 0
  const counted = counting(readPieces(platform.outside, path), (size) => {
    bytes += size
  })
  for await (const _ of unseal(counted)) {
    told(bytes)
    await pacer.step()
  }
}

/** Size and digest of what is read. */
export class FileSeal {
  readonly #digest: RunningDigest
  #size = 0

  constructor(digest: RunningDigest) {
    this.#digest = digest
  }

  get sizeBytes(): number {
    return this.#size
  }

  async *over(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of pieces) {
      this.#size += piece.length
      this.#digest.add(piece)
      yield piece
    }
  }

  /** To be asked once, when all was read. */
  assertEqual(path: string, { bytes, sha256 }: Pick<DumpedFile, 'bytes' | 'sha256'>): void {
    if (this.#size !== bytes) throw corrupt(path, Math.min(this.#size, bytes), `${bytes} bytes`, `${this.#size}`)
    const found = toHex(this.#digest.finish())
    if (found !== sha256) throw corrupt(path, 0, `SHA-256 ${sha256}`, found)
  }
}

/** Counts ends of rows as a dump writes them: LF, which in CSV may also stand inside quotes. */
class RowEnds {
  readonly #quotes: boolean
  #isQuoted = false
  count = 0

  constructor(quotes: boolean) {
    this.#quotes = quotes
  }

  add(bytes: Uint8Array): void {
    if (!this.#quotes) {
      for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) this.count++
      return
    }
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at]
      // Of a doubled quote the second one undoes the first.
      if (byte === QUOTE) this.#isQuoted = !this.#isQuoted
      else if (byte === LF && !this.#isQuoted) this.count++
    }
  }
}
