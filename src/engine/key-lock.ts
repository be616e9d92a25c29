/**
 * How data keys are locked with a secret, and unlocked again.
 *
 *   password ─ scrypt or Argon2id(salt) ─┐
 *                                        ├─▶ key-encryption key ─ AES-256-GCM ─▶ data keys ─▶ everything
 *   key of 32 bytes ─ HKDF(salt) ────────┘
 *
 * Of a database (encrypted-seals.ts) and of a sealed dump (dump/sealed-file.ts). Each secret and each key-encryption key
 * is overwritten as soon as it was used; the data keys belong to whoever gets them.
 */
import { BlazeError } from '../base/errors.ts'
import type { Platform } from '../platform/platform.ts'
import type { DataKey } from '../wal/encrypted-seals.ts'
import type { Encryption, SecretBytes } from './encryption-options.ts'
import { type IdentityKind, type IdentityLock, lockHead, SALT_SIZE, type WrappedKey } from './identity.ts'
import type { Kdf } from './kdf.ts'

/** What a lock is of: its keys cannot be unwrapped as those of another. */
export interface Locked {
  readonly fileId: Uint8Array
  readonly kind: IdentityKind
}

const FIRST_KEY_ID = 1
const KEY_BYTES = 32
const NONCE = 12
const TAG = 16

/** A new data key, and the lock on it. */
export async function lockNewKey(
  platform: Platform,
  locked: Locked,
  encryption: Encryption,
): Promise<{ readonly keys: readonly DataKey[]; readonly lock: IdentityLock }> {
  const wrapping = await newWrapping(platform, encryption)
  const keys: DataKey[] = [{ id: FIRST_KEY_ID, bytes: platform.random.fill(memory(KEY_BYTES)) }]
  return { keys, lock: lockOf(platform, locked, wrapping, keys) }
}

/** The data keys behind a lock. Throws WRONG_PASSWORD, PASSWORD_REQUIRED, UNSUPPORTED, and what the callback throws. */
export async function openLock(
  platform: Platform,
  locked: Locked,
  lock: IdentityLock,
  encryption: Encryption,
): Promise<readonly DataKey[]> {
  const secret = await encryption.ask()
  const { name } = locked.kind
  if ((secret.kind === 'key') !== (lock.kdf.name === 'key')) {
    secret.bytes.fill(0)
    throw wrongPassword(
      name,
      `it is locked with a ${lock.kdf.name === 'key' ? 'key' : 'password'}, and a ${secret.kind} was given`,
    )
  }
  const kek = await deriveKek(platform, lock.kdf, lock.salt, secret)
  const head = lockHead(locked.fileId, lock, lock.keys.length, locked.kind)
  const keys: DataKey[] = []
  for (const wrapped of lock.keys) {
    const bytes = unwrap(platform, kek, head, wrapped)
    if (bytes === undefined) break
    keys.push({ id: wrapped.id, bytes })
  }
  kek.fill(0)
  if (keys.length < lock.keys.length) {
    for (const key of keys) key.bytes.fill(0)
    throw wrongPassword(name, `the ${secret.kind} does not unlock it`)
  }
  return keys
}

/** A key-encryption key under a new salt, and what a lock says of it. */
export interface Wrapping {
  readonly kek: Uint8Array
  readonly head: Omit<IdentityLock, 'keys'>
}

export async function newWrapping(platform: Platform, encryption: Encryption): Promise<Wrapping> {
  const secret = await encryption.ask()
  const kdf: Kdf = secret.kind === 'key' ? { name: 'key' } : encryption.kdf
  const salt = platform.random.fill(new Uint8Array(SALT_SIZE))
  return { kek: await deriveKek(platform, kdf, salt, secret), head: { kdf, salt } }
}

/** Wraps the keys and overwrites what wrapped them. */
export function lockOf(
  platform: Platform,
  { fileId, kind }: Locked,
  { kek, head }: Wrapping,
  keys: readonly DataKey[],
): IdentityLock {
  const associated = lockHead(fileId, head, keys.length, kind)
  const wrapped = keys.map((key) => wrap(platform, kek, associated, key))
  kek.fill(0)
  return { ...head, keys: wrapped }
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

function wrongPassword(name: string, what: string): BlazeError<'WRONG_PASSWORD'> {
  return new BlazeError(
    'WRONG_PASSWORD',
    `The ${name} cannot be unlocked: ${what}, or the parameters of its lock were changed. Nothing was changed; try the right one.`,
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
