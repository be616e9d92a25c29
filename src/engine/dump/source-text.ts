/** The bytes of a source, as text: gunzipped when they are gzip, decoded as UTF-8 without its byte order mark. */
import { equalBytes } from '../../base/bytes.ts'
import { BlazeError } from '../../base/errors.ts'
import { type ByteStreams, StreamError } from '../../platform/platform.ts'
import { PIECE_BYTES } from './outside-file.ts'

/** What a caller may pipe in: a Node stream, the body of a response, a generator. */
export type ByteSource = AsyncIterable<Uint8Array | string>

/** The bytes of a caller's source, in pieces of a bounded size. */
export async function* piecesOfSource(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = new TextEncoder()
  for await (const chunk of source) {
    const bytes = typeof chunk === 'string' ? encoder.encode(chunk) : chunk
    if (!(bytes instanceof Uint8Array)) {
      throw new BlazeError('INVALID_ARGUMENT', `a source gives Uint8Arrays or strings, and gave a ${typeof bytes}.`, {
        argument: 'source',
      })
    }
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
  }
}

/** Text in pieces. INVALID_VALUE for what is no UTF-8, or no gzip after it began as one. */
export async function* textOf(
  pieces: AsyncIterable<Uint8Array>,
  streams: ByteStreams,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for await (const piece of plainPieces(pieces, streams)) yield decode(decoder, piece)
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    throw new BlazeError(
      'INVALID_VALUE',
      `the gzip data is damaged or cut: ${error.message}`,
      { path: '' },
      { cause: error },
    )
  }
  yield decode(decoder, undefined)
}

function decode(decoder: InstanceType<typeof TextDecoder>, piece: Uint8Array | undefined): string {
  try {
    return decoder.decode(piece, { stream: piece !== undefined })
  } catch (cause) {
    throw new BlazeError('INVALID_VALUE', 'the text is not UTF-8', { path: '' }, { cause })
  }
}

/** No text of UTF-8 begins with 1f 8b, so the bytes themselves say whether they are gzip. */
export async function* plainPieces(
  pieces: AsyncIterable<Uint8Array>,
  streams: ByteStreams,
): AsyncGenerator<Uint8Array, void, undefined> {
  const source = new BegunSource(pieces)
  const isGzip = equalBytes(await source.first(GZIP_MAGIC.length), GZIP_MAGIC)
  yield* isGzip ? streams.gunzip(source.all()) : source.all()
}

const GZIP_MAGIC = new Uint8Array([0x1f, 0x8b])

/** A source that is looked into before it is read. */
export class BegunSource {
  readonly #iterator: AsyncIterator<Uint8Array>
  readonly #read: Uint8Array[] = []
  #size = 0

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#iterator = pieces[Symbol.asyncIterator]()
  }

  /** Its first bytes; fewer than these only when it has no more. Waits for no more than that. */
  async first(sizeBytes: number): Promise<Uint8Array> {
    while (this.#size < sizeBytes) {
      const next = await this.#iterator.next()
      if (next.done === true) break
      this.#read.push(next.value)
      this.#size += next.value.length
    }
    const first = new Uint8Array(Math.min(sizeBytes, this.#size))
    let at = 0
    for (const piece of this.#read) {
      first.set(piece.subarray(0, first.length - at), at)
      at = Math.min(first.length, at + piece.length)
    }
    return first
  }

  /** All its bytes, those that were looked at too. */
  all(): AsyncGenerator<Uint8Array, void, undefined> {
    return resumed(this.#read, this.#iterator)
  }

  /** Ends it, also where `all` was not begun. */
  async close(): Promise<void> {
    await this.#iterator.return?.()
  }
}

/** The first bytes of a source that is then ended. */
export async function firstBytes(pieces: AsyncIterable<Uint8Array>, sizeBytes: number): Promise<Uint8Array> {
  const source = new BegunSource(pieces)
  try {
    return await source.first(sizeBytes)
  } finally {
    await source.close()
  }
}

async function* resumed(
  read: readonly Uint8Array[],
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* read
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value
  } finally {
    await iterator.return?.()
  }
}
