/** How a sealed file begins; sealed-file.ts has the grammar. */
import { getU32, setU32 } from '../../base/binary.ts'
import { equalBytes } from '../../base/bytes.ts'
import { BlazeError } from '../../base/errors.ts'
import type { RandomSource } from '../../platform/platform.ts'
import {
  decodeIdentity,
  IDENTITY_SIZE,
  type IdentityKind,
  type IdentityLock,
  isSealedIdentity,
  MAGIC_SIZE,
} from '../identity.ts'

/** The format of sealed files that this code writes. */
export const SEALED_FORMAT = 0

/** No text in UTF-8 begins with b1, and gzip with another byte, so the bytes themselves say that they are sealed. */
export const SEALED: IdentityKind = {
  magic: new Uint8Array([0xb1, 0x42, 0x6c, 0x7a, 0x53, 0x65, 0x61, 0x6c]), // ±BlzSeal
  format: SEALED_FORMAT,
  name: 'dump',
}

/** What a sealed file says of itself; only of what opens is it known to be true. */
export interface SealedHead {
  readonly bytes: Uint8Array
  /** The identity, as bytes. */
  readonly identity: Uint8Array
  readonly fileId: Uint8Array
  readonly lock: IdentityLock
  readonly salt: Uint8Array
  readonly part: number
}

export const SEALED_HEAD = 576
/** The part of the manifest; files of a folder are numbered from 1. */
export const MANIFEST_PART = 0
/** The part of a file that stands alone. */
export const ALONE_PART = 0xffff_ffff

const SALT_AT: number = IDENTITY_SIZE
const SALT_SIZE = 32
export const PART_AT: number = SALT_AT + SALT_SIZE

/** What the first bytes of a sealed file say. Throws TAMPERED, FORMAT_NEWER. */
export function decodeHead(path: string, bytes: Uint8Array): SealedHead {
  const identity = bytes.slice(0, IDENTITY_SIZE)
  if (identity.length === IDENTITY_SIZE && !isSealedIdentity(identity, SEALED)) {
    throw tampered(path, 0, 'the head of a sealed file', 'other bytes')
  }
  if (bytes.length < SEALED_HEAD) throw tampered(path, bytes.length, `a head of ${SEALED_HEAD} bytes`, 'the end')
  const decoded = decodeIdentity(identity, SEALED)
  if (decoded?.lock === undefined) throw tampered(path, 0, 'a lock that BlazeDB writes', 'another')
  const { fileId, lock } = decoded
  const head = bytes.slice(0, SEALED_HEAD)
  return { bytes: head, identity, fileId, lock, salt: saltOf(head), part: getU32(head, PART_AT) }
}

/** The head of a new file of the dump with this identity. */
export function newHead(random: RandomSource, identity: Uint8Array, part: number): Uint8Array {
  const head = new Uint8Array(SEALED_HEAD)
  head.set(identity)
  head.set(random.fill(new Uint8Array(SALT_SIZE)), SALT_AT)
  setU32(head, PART_AT, part)
  return head
}

export function saltOf(head: Uint8Array): Uint8Array {
  return head.slice(SALT_AT, PART_AT)
}

/** Do these bytes begin a sealed file? Also those of one that was cut inside of its first bytes. */
export function beginsSealed(bytes: Uint8Array): boolean {
  const size = Math.min(bytes.length, MAGIC_SIZE)
  return size > 0 && equalBytes(bytes.subarray(0, size), SEALED.magic.subarray(0, size))
}

/** Of a file of a dump; what a load has written before it, the load says. */
export function tampered(file: string, offset: number, expected: string, found: string): BlazeError<'TAMPERED'> {
  return new BlazeError(
    'TAMPERED',
    `${file} is not what was dumped, at byte ${offset}: expected ${expected}, found ${found}. Somebody has changed it, or the disk has damaged it; load another copy of the dump.`,
    { file, offset, expected, found },
  )
}
