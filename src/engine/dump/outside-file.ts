/** Files that people name: read and written in pieces, each awaited, so that no more than a piece is held. */
import { BlazeError } from '../../base/errors.ts'
import { FileError, type FileHandle, type FileSystem, type RunningDigest } from '../../platform/platform.ts'

/** Pieces in which files are read and written: large enough that the calls cost nothing, small enough for a slice. */
export const PIECE_BYTES = 65_536

/** The bytes of a file, in pieces of their own. The file is closed when the loop ends, however it does. */
export async function* readPieces(files: FileSystem, path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const handle = files.openSync(path, 'read')
  try {
    for (let position = 0; ; ) {
      const target = new Uint8Array(PIECE_BYTES)
      const size = await handle.read(target, 0, PIECE_BYTES, position)
      if (size === 0) return
      position += size
      yield target.subarray(0, size)
    }
  } finally {
    handle.closeSync()
  }
}

/** The same pieces; `told` hears the size of each. */
export async function* counting(
  pieces: AsyncIterable<Uint8Array>,
  told: (size: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    told(piece.length)
    yield piece
  }
}

/** A small file; undefined when it has more than `limit` bytes. */
export async function readWhole(files: FileSystem, path: string, limit: number): Promise<Uint8Array | undefined> {
  const found: Uint8Array[] = []
  let size = 0
  for await (const piece of readPieces(files, path)) {
    found.push(piece)
    size += piece.length
    if (size > limit) return undefined
  }
  return concatenated(found)
}

/** All pieces of a source that is small. */
export async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const found: Uint8Array[] = []
  for await (const piece of pieces) found.push(piece)
  return concatenated(found)
}

function concatenated(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

/** A file being written from its beginning, and the digest of what is in it. */
export class OutsideFile {
  readonly path: string
  readonly #handle: FileHandle
  readonly #digest: RunningDigest
  #size = 0
  #open = true

  /** Makes the file, or empties it. */
  constructor(files: FileSystem, path: string, digest: RunningDigest) {
    this.path = path
    this.#digest = digest
    this.#handle = files.openSync(path, 'write')
    try {
      this.#handle.truncateSync(0)
    } catch (error) {
      this.close()
      throw error
    }
  }

  get sizeBytes(): number {
    return this.#size
  }

  /** The bytes may not change until it resolves. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const size = await this.#handle.write(bytes, at, bytes.length - at, this.#size)
      if (size <= 0) throw new FileError('EIO', 'write', this.path)
      at += size
      this.#size += size
    }
    this.#digest.add(bytes)
  }

  /** On the device, and closed; SHA-256 of it all, in hexadecimal. */
  async finish(): Promise<string> {
    await this.#handle.sync()
    this.close()
    return toHex(this.#digest.finish())
  }

  /** Harmless when it is closed. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#handle.closeSync()
  }
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The error with a sentence about what was kept; of a failed call on a file: IO, DISK_FULL. Others are as they are. */
export function withSentence(error: unknown, sentence: string): unknown {
  if (error instanceof BlazeError) {
    const end = /[.!?]$/.test(error.message) ? '' : '.'
    return new BlazeError(error.code, `${error.message}${end} ${sentence}`, error.details, {
      cause: error.cause ?? error,
    })
  }
  if (!(error instanceof FileError)) return error
  const text = `${error.message}. ${sentence}`
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT') {
    return new BlazeError('DISK_FULL', text, undefined, { cause: error })
  }
  return new BlazeError('IO', text, { operation: error.operation, file: error.file }, { cause: error })
}
