/**
 * How a secret becomes the data keys of a database, and how they are locked with another. Loaded when a database is
 * encrypted.
 *
 *   password ─ scrypt or Argon2id(salt) ─┐
 *                                        ├─▶ key-encryption key ─ AES-256-GCM ─▶ data keys ─▶ everything (encrypted-seals.ts)
 *   key of 32 bytes ─ HKDF(salt) ────────┘
 *
 * The data keys are random and stay the same for the life of a database: rekey() wraps them anew, under a new salt, and
 * writes the two identity files, whatever the size of the data. Who kept the old identity and knows the old secret can
 * still unlock it.
 *
 * Each secret and each key-encryption key is overwritten as soon as it was used; the data keys when the seals are closed.
 */
import { BlazeError } from '../base/errors.ts'
import type { Platform } from '../platform/platform.ts'
import { type DataKey, encryptedSeals } from '../wal/encrypted-seals.ts'
import type { Seals } from '../wal/seal.ts'
import type { Encryption, SecretBytes } from './encryption-options.ts'
import { FORMAT, type Identity, type IdentityLock, type Kdf, lockHead, SALT_SIZE, type WrappedKey } from './identity.ts'
import { replaceIdentity } from './identity-file.ts'

/** What a secret has opened. The seals own the keys. */
export interface Unlocked {
  readonly seals: Seals
  readonly keys: readonly DataKey[]
}

const FIRST_KEY_ID = 1
const KEY_BYTES = 32
const NONCE = 12
const TAG = 16

/** A new database's data key, and the lock on it. */
export async function newLock(
  platform: Platform,
  fileId: Uint8Array,
  encryption: Encryption,
): Promise<Unlocked & { readonly lock: IdentityLock }> {
  const { kek, head } = await newKek(platform, encryption)
  const keys: DataKey[] = [{ id: FIRST_KEY_ID, bytes: platform.random.fill(memory(KEY_BYTES)) }]
  const lock = lockOf(platform, fileId, { kek, head }, keys)
  return { lock, keys, seals: sealsOf(platform, fileId, keys) }
}

/** Opens the lock of a database. Throws WRONG_PASSWORD, PASSWORD_REQUIRED, UNSUPPORTED, and what the callback throws. */
export async function unlock(
  platform: Platform,
  fileId: Uint8Array,
  lock: IdentityLock,
  encryption: Encryption,
): Promise<Unlocked> {
  const secret = await encryption.ask()
  if ((secret.kind === 'key') !== (lock.kdf.name === 'key')) {
    secret.bytes.fill(0)
    throw wrongPassword(
      `it is locked with a ${lock.kdf.name === 'key' ? 'key' : 'password'}, and a ${secret.kind} was given`,
    )
  }
  const kek = await deriveKek(platform, lock.kdf, lock.salt, secret)
  const head = lockHead(fileId, lock, lock.keys.length)
  const keys: DataKey[] = []
  for (const wrapped of lock.keys) {
    const bytes = unwrap(platform, kek, head, wrapped)
    if (bytes === undefined) break
    keys.push({ id: wrapped.id, bytes })
  }
  kek.fill(0)
  if (keys.length < lock.keys.length) {
    for (const key of keys) key.bytes.fill(0)
    throw wrongPassword(`the ${secret.kind} does not unlock it`)
  }
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
  const wrapping = await newKek(platform, encryption)
  // In one turn from here: between looking whether the keys are there and having written them nothing else runs.
  try {
    database.assertOpen()
  } catch (error) {
    wrapping.kek.fill(0)
    throw error
  }
  const identity: Identity = { fileId, format: FORMAT, lock: lockOf(platform, fileId, wrapping, keys) }
  replaceIdentity(platform, folder, identity)
}

interface Wrapping {
  readonly kek: Uint8Array
  readonly head: Omit<IdentityLock, 'keys'>
}

/** Wraps the keys and overwrites what wrapped them. */
function lockOf(
  platform: Platform,
  fileId: Uint8Array,
  { kek, head }: Wrapping,
  keys: readonly DataKey[],
): IdentityLock {
  const associated = lockHead(fileId, head, keys.length)
  const wrapped = keys.map((key) => wrap(platform, kek, associated, key))
  kek.fill(0)
  return { ...head, keys: wrapped }
}

function sealsOf(platform: Platform, fileId: Uint8Array, keys: readonly DataKey[]): Seals {
  return encryptedSeals({ cipher: platform.cipher, random: platform.random, fileId, keys })
}

/** A key-encryption key under a new salt. */
async function newKek(platform: Platform, encryption: Encryption): Promise<Wrapping> {
  const secret = await encryption.ask()
  const kdf: Kdf = secret.kind === 'key' ? { name: 'key' } : encryption.kdf
  const salt = platform.random.fill(new Uint8Array(SALT_SIZE))
  return { kek: await deriveKek(platform, kdf, salt, secret), head: { kdf, salt } }
}

/** Makes the key of a secret, which is overwritten. */
async function deriveKek(platform: Platform, kdf: Kdf, salt: Uint8Array, secret: SecretBytes): Promise<Uint8Array> {
  const { cipher } = platform
  try {
    switch (kdf.name) {
      case 'key':
        return cipher.hkdf(secret.bytes, salt, 'blazedb lock')
      case 'scrypt':
        return await cipher.scrypt(secret.bytes, salt, kdf)
      case 'argon2id':
        if (cipher.argon2id === undefined) throw noArgon2id()
        return await cipher.argon2id(secret.bytes, salt, kdf)
    }
  } finally {
    secret.bytes.fill(0)
  }
}

function wrap(platform: Platform, kek: Uint8Array, head: Uint8Array, key: DataKey): WrappedKey {
  const nonce = platform.random.fill(new Uint8Array(NONCE))
  const task = { key: kek, nonce, associated: boundTo(head, key.id), tagBytes: TAG }
  const { bytes, tag } = platform.cipher.encrypt(task, key.bytes)
  return { id: key.id, bytes: Uint8Array.of(...nonce, ...tag, ...bytes) }
}

function unwrap(
  platform: Platform,
  kek: Uint8Array,
  head: Uint8Array,
  { id, bytes }: WrappedKey,
): Uint8Array | undefined {
  const nonce = bytes.subarray(0, NONCE)
  const task = { key: kek, nonce, associated: boundTo(head, id), tagBytes: TAG }
  return platform.cipher.decrypt(task, bytes.subarray(NONCE + TAG), bytes.subarray(NONCE, NONCE + TAG))
}

function boundTo(head: Uint8Array, keyId: number): Uint8Array {
  const bytes = new Uint8Array(head.length + 4)
  bytes.set(head)
  new DataView(bytes.buffer).setUint32(head.length, keyId, true)
  return bytes
}

/** Memory of its own, which nobody moves: what is overwritten in it is gone. */
function memory(sizeBytes: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(sizeBytes))
}

function wrongPassword(what: string): BlazeError<'WRONG_PASSWORD'> {
  return new BlazeError(
    'WRONG_PASSWORD',
    `The database cannot be unlocked: ${what}, or the parameters of its lock were changed. Nothing was changed; try the right one.`,
    undefined,
  )
}

function noArgon2id(): BlazeError<'UNSUPPORTED'> {
  return new BlazeError(
    'UNSUPPORTED',
    'This runtime has no Argon2id (Node has it since 24.7); nothing was opened or changed. Use scrypt, or a newer Node.',
    undefined,
  )
}
