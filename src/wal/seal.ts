/**
 * The seals of a database: what proves that bytes on disk are those that were written at this place, and, in an encrypted
 * database, hides them. There are two kinds, chosen once when a database is opened; a segment's frames have theirs from
 * the moment its header is read or written.
 *
 *                  plain (here)                                encrypted (encrypted-seals.ts)
 *   frames         CRC-32, seeded by file, kind and epoch      AES-256-GCM, 96-bit tag, nonce = lsn, subkey per epoch and kind
 *   headers        CRC-32                                      CRC-32, which says "begun", and HMAC-SHA-256
 *   values         root, directory: as they are, with their    AES-256-GCM, random nonce, bound to the name of their place
 *                  own CRC-32 and SHA-256
 *   spill          CRC-32 in memory                            AES-256-GCM, tag in memory, nonce = number of the version
 *
 * In memory frames are always plain: they are encrypted when they are sealed, into bytes of their own (Segment.sealedBytes),
 * and made plain in place when they have been verified. So nothing above this layer knows of encryption, and what the
 * watchdog or the synchronous path writes again are the same bytes.
 *
 * Damage of an encrypted database is TAMPERED: rot cannot be told from a forger. What is missing, or cut off, is CORRUPT.
 */
import { crc32 } from '../base/checksum.ts'
import { corrupt, type DamageError, tampered } from '../base/errors.ts'
import { invariant } from '../base/invariant.ts'
import { CHECKSUM_AT, type Checksums, type FrameSeal } from './frame.ts'

/** What a segment file holds. */
export type SegmentKind = 'log' | 'pages' | 'spill'
export const KIND_NUMBER: Readonly<Record<SegmentKind, number>> = { log: 1, pages: 2, spill: 3 }

/** The key id of plain segments. */
export const NO_KEY = 0

/** One run of bytes on disk whose proof stays in memory. */
export interface SealedBlock {
  readonly bytes: Uint8Array
  /** A checksum, or a tag. */
  readonly proof: number | Uint8Array
}

/** Seals runs of bytes that have a number of their own, never used twice. */
export interface BlockSeal {
  readonly encrypts: boolean
  seal(number: number, bytes: Uint8Array): SealedBlock
  /** The bytes that were sealed under this number; undefined when these are others. */
  open(number: number, block: SealedBlock): Uint8Array | undefined
}

/** All that seals the files of one database. */
export interface Seals {
  /** True: what is on disk is ciphertext. */
  readonly encrypts: boolean
  /** The data key that new segments name; 0 when there is none. */
  readonly keyId: number
  /** The seal of the frames of segments with this kind and header; the key is one that a verified header named. */
  frames(kind: SegmentKind, header: { readonly epochSalt: Uint8Array; readonly keyId: number }): FrameSeal
  /** The seal of the versions that one open spills. */
  spill(epochSalt: Uint8Array): BlockSeal
  /** Adds to a header, complete but for its checksum, what proves more than that. */
  sealHeader(bytes: Uint8Array, keyId: number): void
  /** True when a header whose checksum holds was written by who has the keys. */
  headerHolds(bytes: Uint8Array, keyId: number): boolean
  /** Seals a small value; `place` names where it lies, and it is right nowhere else. */
  sealValue(place: string, bytes: Uint8Array): Uint8Array
  /** The value that was sealed for `place`; undefined when this is none. */
  openValue(place: string, bytes: Uint8Array): Uint8Array | undefined
  /** Overwrites the keys: nothing is sealed or opened after it. */
  close(): void
}

/** The error of bytes that fail their seal. */
export function damageOf(
  seal: { readonly encrypts: boolean },
  file: string,
  offset: number,
  expected: string,
  found: string,
): DamageError {
  return seal.encrypts ? tampered(file, offset, expected, found) : corrupt(file, offset, expected, found)
}

/** The seed of the checksums of a plain segment's frames. */
export function checksumSeed(fileId: Uint8Array, kind: SegmentKind, epochSalt: Uint8Array): number {
  const seed = crc32(fileId, 0, fileId.length, KIND_NUMBER[kind])
  return crc32(epochSalt, 0, epochSalt.length, seed)
}

/** The seal of a plain segment's frames. */
export class PlainFrameSeal implements FrameSeal {
  readonly encrypts = false
  readonly #sums: Checksums
  readonly #seed: number

  constructor(sums: Checksums, seed: number) {
    this.#sums = sums
    this.#seed = seed
  }

  seal(bytes: Uint8Array, view: DataView, start: number, end: number, sealed: Uint8Array): number {
    invariant(sealed === bytes, () => 'a plain frame is sealed where it lies')
    const checksum = this.#checksum(bytes, start, end)
    view.setUint32(start + CHECKSUM_AT, checksum, true)
    return checksum
  }

  open(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    return this.#checksum(bytes, start, end) === view.getUint32(start + CHECKSUM_AT, true)
  }

  mismatch(bytes: Uint8Array, view: DataView, start: number, end: number): { expected: string; found: string } {
    return {
      expected: `checksum ${view.getUint32(start + CHECKSUM_AT, true)}`,
      found: `${this.#checksum(bytes, start, end)}`,
    }
  }

  #checksum(bytes: Uint8Array, start: number, end: number): number {
    const head = crc32(bytes, start, start + CHECKSUM_AT, this.#seed)
    return this.#sums.crc32(bytes, start + CHECKSUM_AT + 4, end, head)
  }
}

/** The seals of a database that is not encrypted. */
export function plainSeals(sums: Checksums, fileId: Uint8Array): Seals {
  return {
    encrypts: false,
    keyId: NO_KEY,
    frames: (kind, { epochSalt }) => new PlainFrameSeal(sums, checksumSeed(fileId, kind, epochSalt)),
    spill: () => ({
      encrypts: false,
      seal: (number, bytes) => ({ bytes, proof: sums.crc32(bytes, 0, bytes.length, number >>> 0) }),
      open: (number, { bytes, proof }) =>
        sums.crc32(bytes, 0, bytes.length, number >>> 0) === proof ? bytes : undefined,
    }),
    sealHeader: () => undefined,
    headerHolds: (_, keyId) => keyId === NO_KEY,
    sealValue: (_, bytes) => bytes,
    openValue: (_, bytes) => bytes,
    close: () => undefined,
  }
}
