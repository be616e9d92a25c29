/** The data key of one sealed dump, and the lock on it: what all its files begin with. */
import { BlazeError } from '../../base/errors.ts'
import { invariant } from '../../base/invariant.ts'
import type { Cipher, Platform } from '../../platform/platform.ts'
import type { DataKey } from '../../wal/encrypted-seals.ts'
import type { Encryption } from '../encryption-options.ts'
import { encodeIdentity } from '../identity.ts'
import { lockNewKey, openLock } from '../key-lock.ts'
import { SEALED, SEALED_FORMAT, type SealedHead } from './sealed-head.ts'

const DUMP_ID_SIZE = 16

export class Sealing {
  /** The 512 bytes with which each file of the dump begins. */
  readonly identity: Uint8Array
  readonly #keys: readonly DataKey[]
  #open = true

  /** The keys are its own from here on. */
  constructor(identity: Uint8Array, keys: readonly DataKey[]) {
    this.identity = identity
    this.#keys = keys
  }

  /** The key of the file with this salt; the caller's, to overwrite. */
  fileKey(cipher: Cipher, salt: Uint8Array): Uint8Array {
    const key = this.#keys.at(-1)
    invariant(this.#open && key !== undefined, () => 'a sealing is used while it is open')
    return cipher.hkdf(key.bytes, salt, 'blazedb sealed file')
  }

  /** Overwrites the keys. Harmless when it is closed. */
  close(): void {
    this.#open = false
    for (const { bytes } of this.#keys) bytes.fill(0)
  }
}

/** Of a new dump: a random key under a lock of its own. Throws PASSWORD_REQUIRED, UNSUPPORTED, what the callback throws. */
export async function newSealing(platform: Platform, encryption: Encryption): Promise<Sealing> {
  const fileId = platform.random.fill(new Uint8Array(DUMP_ID_SIZE))
  const { keys, lock } = await lockNewKey(platform, { fileId, kind: SEALED }, encryption)
  return new Sealing(encodeIdentity({ fileId, format: SEALED_FORMAT, lock }, SEALED), keys)
}

/** Of the dump that a file with this head is of. Throws WRONG_PASSWORD and the same as above. */
export async function openSealing(
  platform: Platform,
  { identity, fileId, lock }: SealedHead,
  encryption: Encryption,
): Promise<Sealing> {
  return new Sealing(identity, await openLock(platform, { fileId, kind: SEALED }, lock, encryption))
}

/** A secret is needed. */
export function sealedDump(path: string): BlazeError<'PASSWORD_REQUIRED'> {
  return new BlazeError(
    'PASSWORD_REQUIRED',
    `${path} is an encrypted dump, and no password or key was given; load it with the encryption option.`,
    undefined,
  )
}

/** A secret was given for what needs none: what is loaded would not be what the key has sealed. */
export function plainDump(path: string): BlazeError<'NOT_ENCRYPTED'> {
  return new BlazeError(
    'NOT_ENCRYPTED',
    `${path} is not encrypted, or its beginning was overwritten, and a password or key was given. If it is meant to be plain, load it without the encryption option.`,
    undefined,
  )
}
