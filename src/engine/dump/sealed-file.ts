/**
 * A sealed file of a dump: its bytes, compressed before if they are, encrypted in pieces, so that neither who writes it
 * nor who reads it holds more than two of them, and so that none can be changed, moved or left out.
 *
 *   file  := head | piece* | last piece
 *   head  := identity 512 | salt 32 | part u32 | zero 28         576 bytes; identity: ../identity.ts, the same in all files
 *   at       0              512       544        548             of one dump: magic, format, dump id, lock on its data key
 *   piece := ciphertext 65,536 | tag 16
 *   last  := ciphertext 0 … 65,536 | tag 16                      of no bytes only in a file of no bytes
 *   part  := 0 the manifest | n the file n of the folder | 2³² − 1 a file that stands alone
 *
 *   key   := HKDF-SHA-256(data key, salt)                        AES-256-GCM; the salt is random, so each file has its own
 *   nonce := zero 7 | number of the piece u32 | 1 the last, 0 another
 *   associated data := head
 *
 * So a piece is right only at its place, in its file, in its dump, and the last one only as the last: bytes that are
 * changed, pieces that are swapped, repeated, left out or come from elsewhere, and an end that was cut off wherever it was
 * cut, are one piece that does not open. What has been opened before it was right. Little-endian.
 *
 * Which files a dump has, and that they are those of this manifest, the manifest says, which is sealed itself. Nothing
 * says that it is the newest dump: an older one, whole, is right too.
 *
 * Source: the STREAM construction of Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its
 * Nonce-Reuse Misuse-Resistance", CRYPTO 2015.
 */
import { setU32 } from '../../base/binary.ts'
import { equalBytes } from '../../base/bytes.ts'
import { invariant } from '../../base/invariant.ts'
import type { Cipher, CipherTask, Platform } from '../../platform/platform.ts'
import { ByteBlocks } from './byte-blocks.ts'
import { decodeHead, newHead, PART_AT, SEALED_HEAD, type SealedHead, saltOf, tampered } from './sealed-head.ts'
import type { Sealing } from './sealing.ts'

/** Large enough that a tag and a call cost nothing, small enough for a slice. */
const PIECE_BYTES = 65_536
const TAG = 16
const SEALED_PIECE: number = PIECE_BYTES + TAG
const NUMBER_AT = 7
const LAST_AT = 11
/** As many numbers as the nonce has; 256 TiB. */
const MOST_PIECES = 2 ** 32

/** How long a file of so many bytes is when it is sealed. */
export function sealedSizeOf(sizeBytes: number): number {
  return SEALED_HEAD + sizeBytes + TAG * Math.max(1, Math.ceil(sizeBytes / PIECE_BYTES))
}

/** Seals bytes as one file. */
export async function* sealFile(
  platform: Platform,
  sealing: Sealing,
  part: number,
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const head = newHead(platform.random, sealing.identity, part)
  const key = sealing.fileKey(platform.cipher, saltOf(head))
  const blocks = new ByteBlocks(pieces)
  try {
    yield head.slice()
    let block = await blocks.take(PIECE_BYTES)
    for (let number = 0; ; number++) {
      const next = block.length < PIECE_BYTES ? NOTHING : await blocks.take(PIECE_BYTES)
      const isLast = next.length === 0
      yield sealPiece(platform.cipher, taskOf(key, head, number, isLast), block)
      if (isLast) return
      block = next
    }
  } finally {
    key.fill(0)
    await blocks.close()
  }
}

/** Where sealed bytes come from. */
export interface SealedSource {
  /** As an error names it. */
  readonly path: string
  /** The part that it has to be; undefined: whichever it says. */
  readonly part: number | undefined
}

/**
 * The bytes of a sealed file of this dump, each piece proven before it is given out. Throws TAMPERED, at the latest in
 * the place of the end; FORMAT_NEWER.
 */
export async function* openFile(
  cipher: Cipher,
  sealing: Sealing,
  { path, part }: SealedSource,
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const blocks = new ByteBlocks(pieces)
  try {
    const head = decodeHead(path, await blocks.take(SEALED_HEAD))
    if (!equalBytes(head.identity, sealing.identity)) {
      throw tampered(path, 0, 'a file of this dump', 'one of another')
    }
    if (part !== undefined && head.part !== part) {
      throw tampered(path, PART_AT, `part ${part} of the dump`, `part ${head.part}`)
    }
    yield* openPieces(cipher, sealing, { path, head, blocks })
  } finally {
    await blocks.close()
  }
}

async function* openPieces(
  cipher: Cipher,
  sealing: Sealing,
  { path, head, blocks }: { readonly path: string; readonly head: SealedHead; readonly blocks: ByteBlocks },
): AsyncGenerator<Uint8Array, void, undefined> {
  const key = sealing.fileKey(cipher, head.salt)
  try {
    let block = await blocks.take(SEALED_PIECE)
    for (let number = 0; ; number++) {
      const next = block.length < SEALED_PIECE ? NOTHING : await blocks.take(SEALED_PIECE)
      const isLast = next.length === 0
      const plain = openPiece(cipher, taskOf(key, head.bytes, number, isLast), block)
      if (plain === undefined) {
        const at = SEALED_HEAD + number * SEALED_PIECE
        throw tampered(path, at, `piece ${number + 1} as it was sealed`, 'other bytes, or an end that was cut off')
      }
      yield plain
      if (isLast) return
      block = next
    }
  } finally {
    key.fill(0)
  }
}

function taskOf(key: Uint8Array, head: Uint8Array, number: number, isLast: boolean): CipherTask {
  invariant(number < MOST_PIECES, () => 'a sealed file has no more pieces than a nonce can number')
  const nonce = new Uint8Array(12)
  setU32(nonce, NUMBER_AT, number)
  nonce[LAST_AT] = isLast ? 1 : 0
  return { key, nonce, associated: head, tagBytes: TAG }
}

function sealPiece(cipher: Cipher, task: CipherTask, plain: Uint8Array): Uint8Array {
  const { bytes, tag } = cipher.encrypt(task, plain)
  const piece = new Uint8Array(bytes.length + TAG)
  piece.set(bytes)
  piece.set(tag, bytes.length)
  return piece
}

function openPiece(cipher: Cipher, task: CipherTask, piece: Uint8Array): Uint8Array | undefined {
  const end = piece.length - TAG
  return end < 0 ? undefined : cipher.decrypt(task, piece.subarray(0, end), piece.subarray(end))
}

const NOTHING = new Uint8Array(0)
