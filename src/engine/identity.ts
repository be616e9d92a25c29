/**
 * The identity of a database as bytes: that a folder is a database, of which format, its file id, which seeds every
 * checksum, and, when it is encrypted, the lock: how a key is made of the password, and the data keys wrapped with it.
 * Sealed files of a dump begin with one too (dump/sealed-file.ts), which differs in its magic.
 *
 *   identity := magic 8 | format u32 | fileId 16 | cipher u32 | kdf u32 | count of wrapped keys u32 |
 *   at          0         8            12          28           32        36
 *               parameters u32 × 3 | salt 32 | wrapped key × count | zero* | checksum u32
 *               40                   52        84                            508
 *   wrapped  := key id u32 | nonce 12 | tag 16 | ciphertext 32
 *
 * Little-endian, 512 bytes. cipher: 0 none (then all is zero up to the checksum), 1 AES-256-GCM. kdf: 1 a key of 32 bytes
 * (HKDF-SHA-256), 2 scrypt (N, r, p), 3 Argon2id (memory in KiB, passes, parallelism). What wraps a data key is bound to
 * the bytes before the wrapped keys and to its key id.
 *
 * The checksum is no seal: whoever can write the file can make one. Parameters that are changed make another key, which
 * unwraps nothing; that cannot be told from a wrong password. They are bounded before memory is taken for them.
 */
import { getU32, setU32 } from '../base/binary.ts'
import { equalBytes } from '../base/bytes.ts'
import { crc32 } from '../base/checksum.ts'
import { BlazeError } from '../base/errors.ts'
import { invariant } from '../base/invariant.ts'
import { type Kdf, kdfNumbers, kdfOfNumbers } from './kdf.ts'

/** A data key, encrypted; 60 bytes: nonce, tag, ciphertext. */
export interface WrappedKey {
  readonly id: number
  readonly bytes: Uint8Array
}

/** What keeps the data keys of an encrypted database, or of a sealed dump. */
export interface IdentityLock {
  readonly kdf: Kdf
  /** 32 random bytes. */
  readonly salt: Uint8Array
  /** The newest last. */
  readonly keys: readonly WrappedKey[]
}

export interface Identity {
  /** 16 random bytes. */
  readonly fileId: Uint8Array
  readonly format: number
  /** Undefined: the database is not encrypted. */
  readonly lock: IdentityLock | undefined
}

/** What identities are of. */
export interface IdentityKind {
  /** 8 bytes. */
  readonly magic: Uint8Array
  /** The format that this code writes, and the newest that it reads. */
  readonly format: number
  /** As a message names it: 'database'. */
  readonly name: string
}

/** The format that this code writes. */
export const FORMAT = 0

export const IDENTITY_SIZE = 512
export const MAGIC_SIZE = 8
export const DATABASE: IdentityKind = {
  magic: new Uint8Array([0x42, 0x6c, 0x61, 0x7a, 0x65, 0x49, 0x64, 0x65]), // BlazeIde
  format: FORMAT,
  name: 'database',
}
const FORMAT_AT: number = MAGIC_SIZE
const FILE_ID_AT = 12
const CIPHER_AT = 28
const KDF_AT = 32
const COUNT_AT = 36
const PARAMETERS_AT = 40
const SALT_AT = 52
const KEYS_AT = 84
const CHECKSUM_AT = IDENTITY_SIZE - 4

const AES_256_GCM = 1
export const SALT_SIZE: number = KEYS_AT - SALT_AT
const WRAPPED_SIZE = 64
export const WRAPPED_BYTES: number = WRAPPED_SIZE - 4
/** What fits before the checksum. */
const MOST_KEYS: number = Math.floor((CHECKSUM_AT - KEYS_AT) / WRAPPED_SIZE)

/** The 512 bytes of an identity. */
export function encodeIdentity({ fileId, format, lock }: Identity, kind: IdentityKind = DATABASE): Uint8Array {
  const bytes = new Uint8Array(IDENTITY_SIZE)
  bytes.set(kind.magic)
  setU32(bytes, FORMAT_AT, format)
  bytes.set(fileId, FILE_ID_AT)
  if (lock !== undefined) encodeLock(bytes, lock)
  setU32(bytes, CHECKSUM_AT, crc32(bytes, 0, CHECKSUM_AT))
  return bytes
}

function encodeLock(bytes: Uint8Array, { kdf, salt, keys }: IdentityLock): void {
  invariant(keys.length > 0 && keys.length <= MOST_KEYS, () => `an identity has 1 to ${MOST_KEYS} data keys`)
  invariant(salt.length === SALT_SIZE, () => `a salt has ${SALT_SIZE} bytes`)
  setU32(bytes, CIPHER_AT, AES_256_GCM)
  const [number, ...parameters] = kdfNumbers(kdf)
  setU32(bytes, KDF_AT, number)
  setU32(bytes, COUNT_AT, keys.length)
  parameters.forEach((value, index) => {
    setU32(bytes, PARAMETERS_AT + index * 4, value)
  })
  bytes.set(salt, SALT_AT)
  keys.forEach((key, index) => {
    invariant(key.bytes.length === WRAPPED_BYTES, () => `a wrapped key has ${WRAPPED_BYTES} bytes`)
    const at = KEYS_AT + index * WRAPPED_SIZE
    setU32(bytes, at, key.id)
    bytes.set(key.bytes, at + 4)
  })
}

/** What each wrapped key of an identity is bound to, beside its id: everything before the keys. */
export function lockHead(
  fileId: Uint8Array,
  lock: Omit<IdentityLock, 'keys'>,
  keyCount: number,
  kind: IdentityKind,
): Uint8Array {
  const keys = Array.from({ length: keyCount }, (_, id) => ({ id, bytes: new Uint8Array(WRAPPED_BYTES) }))
  return encodeIdentity({ fileId, format: kind.format, lock: { ...lock, keys } }, kind).subarray(0, KEYS_AT)
}

/** True for bytes that begin as an identity does. */
export function isIdentity(bytes: Uint8Array, kind: IdentityKind = DATABASE): boolean {
  return bytes.length >= MAGIC_SIZE && equalBytes(bytes.subarray(0, MAGIC_SIZE), kind.magic)
}

/** True for an identity whose checksum holds. */
export function isSealedIdentity(bytes: Uint8Array, kind: IdentityKind = DATABASE): boolean {
  if (bytes.length !== IDENTITY_SIZE || !isIdentity(bytes, kind)) return false
  return getU32(bytes, CHECKSUM_AT) === crc32(bytes, 0, CHECKSUM_AT)
}

/** True for bytes that would be an encrypted identity if they were sound. */
export function namesCipher(bytes: Uint8Array): boolean {
  return bytes.length >= KDF_AT && isIdentity(bytes) && getU32(bytes, CIPHER_AT) !== 0
}

/** Of bytes whose checksum holds; undefined when their lock is none that any version writes. Throws FORMAT_NEWER. */
export function decodeIdentity(bytes: Uint8Array, kind: IdentityKind = DATABASE): Identity | undefined {
  const format = getU32(bytes, FORMAT_AT)
  const cipher = getU32(bytes, CIPHER_AT)
  if (format > kind.format || cipher > AES_256_GCM) {
    const what = `format ${format}${cipher > AES_256_GCM ? ` with cipher ${cipher}` : ''}`
    throw new BlazeError(
      'FORMAT_NEWER',
      `This ${kind.name} has ${what}; this version reads up to ${kind.format}. Nothing was changed; open it with a newer version.`,
      { found: format, supported: kind.format },
    )
  }
  const fileId = fileIdOf(bytes)
  if (cipher === 0) return { fileId, format, lock: undefined }
  const lock = decodeLock(bytes)
  return lock === undefined ? undefined : { fileId, format, lock }
}

/** A copy; in every format it lies there. */
export function fileIdOf(bytes: Uint8Array): Uint8Array {
  return bytes.slice(FILE_ID_AT, FILE_ID_AT + 16)
}

function decodeLock(bytes: Uint8Array): IdentityLock | undefined {
  const count = getU32(bytes, COUNT_AT)
  const [first, second, third] = [0, 1, 2].map((i) => getU32(bytes, PARAMETERS_AT + i * 4)) as [number, number, number]
  const kdf = kdfOfNumbers(getU32(bytes, KDF_AT), first, second, third)
  if (kdf === undefined || count < 1 || count > MOST_KEYS) return undefined
  const keys = Array.from({ length: count }, (_, index) => {
    const at = KEYS_AT + index * WRAPPED_SIZE
    return { id: getU32(bytes, at), bytes: bytes.slice(at + 4, at + WRAPPED_SIZE) }
  })
  return { kdf, salt: bytes.slice(SALT_AT, KEYS_AT), keys }
}
