/**
 * How a secret opens a database (key-lock.ts), and how another is put in its place. Loaded when a database is encrypted.
 *
 * The data keys are random and stay the same for the life of a database: rekey() wraps them anew, under a new salt, and
 * writes the two identity files, whatever the size of the data. Who kept the old identity and knows the old secret can
 * still unlock it.
 *
 * The data keys are overwritten when the seals are closed.
 */
import type { Platform } from '../platform/platform.ts'
import { type DataKey, encryptedSeals } from '../wal/encrypted-seals.ts'
import type { Seals } from '../wal/seal.ts'
import type { Encryption } from './encryption-options.ts'
import { DATABASE, FORMAT, type Identity, type IdentityLock } from './identity.ts'
import { replaceIdentity } from './identity-file.ts'
import { lockNewKey, lockOf, newWrapping, openLock } from './key-lock.ts'

/** What a secret has opened. The seals own the keys. */
export interface Unlocked {
  readonly seals: Seals
  readonly keys: readonly DataKey[]
}

/** A new database's data key, and the lock on it. */
export async function newLock(
  platform: Platform,
  fileId: Uint8Array,
  encryption: Encryption,
): Promise<Unlocked & { readonly lock: IdentityLock }> {
  const { lock, keys } = await lockNewKey(platform, { fileId, kind: DATABASE }, encryption)
  return { lock, keys, seals: sealsOf(platform, fileId, keys) }
}

/** Opens the lock of a database. Throws WRONG_PASSWORD, PASSWORD_REQUIRED, UNSUPPORTED, and what the callback throws. */
export async function unlock(
  platform: Platform,
  fileId: Uint8Array,
  lock: IdentityLock,
  encryption: Encryption,
): Promise<Unlocked> {
  const keys = await openLock(platform, { fileId, kind: DATABASE }, lock, encryption)
  return { keys, seals: sealsOf(platform, fileId, keys) }
}

/**
 * Locks an open database with another secret. `assertOpen` throws when it has been closed meanwhile: the keys are then
 * gone, and nothing is written. Throws PASSWORD_REQUIRED, INVALID_ARGUMENT, UNSUPPORTED, IO, DISK_FULL.
 */
export async function rekey(
  database: {
    readonly platform: Platform
    readonly folder: string
    readonly fileId: Uint8Array
    readonly keys: readonly DataKey[]
    assertOpen(): void
  },
  encryption: Encryption,
): Promise<void> {
  const { platform, folder, fileId, keys } = database
  const wrapping = await newWrapping(platform, encryption)
  // In one turn from here: between looking whether the keys are there and having written them nothing else runs.
  try {
    database.assertOpen()
  } catch (error) {
    wrapping.kek.fill(0)
    throw error
  }
  const lock = lockOf(platform, { fileId, kind: DATABASE }, wrapping, keys)
  const identity: Identity = { fileId, format: FORMAT, lock }
  replaceIdentity(platform, folder, identity)
}

function sealsOf(platform: Platform, fileId: Uint8Array, keys: readonly DataKey[]): Seals {
  return encryptedSeals({ cipher: platform.cipher, random: platform.random, fileId, keys })
}
