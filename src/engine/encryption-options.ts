/**
 * The `encryption` option of open(), dump() and load(), and what rekey() takes, checked before anything is touched. What is given and empty is
 * refused: a password that did not arrive must never make a plain database.
 */
import { BlazeError } from '../base/errors.ts'
import type { Argon2Parameters, ScryptParameters } from '../platform/platform.ts'
import { type Kdf, kdfFault } from './kdf.ts'
import { assertKnown, assertOptions } from './known-options.ts'

/** What unlocks a database or a dump: a password, or a key of 32 bytes. */
export type Secret = string | Uint8Array

/** How a key is made from a password: by name with its usual cost, or with a cost of your own. */
export type KeyDerivation =
  | 'scrypt'
  | 'argon2id'
  | ({ readonly name: 'scrypt' } & ScryptParameters)
  | ({ readonly name: 'argon2id' } & Argon2Parameters)

export type EncryptionOptions =
  | {
      /** Any text that is not empty; normalised (NFC), then UTF-8. */
      readonly password: string
      /** Of what is new, and of rekey(): `scrypt` by default. What exists says itself what it was locked with. */
      readonly kdf?: KeyDerivation
    }
  | {
      /** 32 random bytes; copied, so that yours may be overwritten once the call has returned its promise. */
      readonly key: Uint8Array
    }
  | {
      /** Asked once, when a secret is needed (of a database: and its folder is locked); gives a password or a key of 32 bytes. */
      readonly callback: () => Secret | undefined | Promise<Secret | undefined>
      /** As above, for when it gives a password. */
      readonly kdf?: KeyDerivation
    }

/** The option, checked: what asks for the secret, and what makes a key of it. */
export interface Encryption {
  /** The secret as bytes, the caller's to overwrite. */
  ask(): Promise<SecretBytes>
  /** Overwrites what was given and not asked for. Harmless when it was. */
  forget(): void
  /** What makes the key of a new lock, when the secret is a password. */
  readonly kdf: Kdf
}

export interface SecretBytes {
  readonly kind: 'password' | 'key'
  readonly bytes: Uint8Array
}

const KEY_BYTES = 32
/** OWASP's advice of 2023: 128 MiB and about half a second for scrypt; RFC 9106's second choice for Argon2id. */
const SCRYPT: Kdf = { name: 'scrypt', cost: 2 ** 17, blockSize: 8, parallelism: 1 }
const ARGON2ID: Kdf = { name: 'argon2id', memoryKib: 65_536, passes: 3, parallelism: 4 }
const FORMS = ['password', 'key', 'callback'] as const

/** The option of a call; undefined when it is left out. One that is there and undefined is refused. */
export function givenEncryption(
  call: string,
  options: { readonly encryption?: EncryptionOptions },
): Encryption | undefined {
  assertOptions(call, options)
  return Object.hasOwn(options, 'encryption') ? checkedEncryption(call, options.encryption) : undefined
}

/** Checks the option of a call. PASSWORD_REQUIRED when it is there and gives nothing, INVALID_ARGUMENT. */
export function checkedEncryption(call: string, options: EncryptionOptions | undefined): Encryption {
  if (options === undefined) throw nothingGiven(call, 'undefined')
  if (typeof options !== 'object' || options === null) {
    throw invalid(`${call} takes encryption as { password }, { key } or { callback }, found ${String(options)}`)
  }
  const forms = FORMS.filter((form) => Object.hasOwn(options, form))
  const [form] = forms
  if (form === undefined) throw nothingGiven(call, 'no password, key or callback')
  if (forms.length > 1)
    throw invalid(`${call} takes one of password, key and callback as encryption, found ${forms.join(', ')}`)
  assertKnown(`${call} encryption`, options, form === 'key' ? ['key'] : [form, 'kdf'])
  const kdf = kdfOf(call, 'kdf' in options ? options.kdf : undefined)
  if ('callback' in options) {
    const { callback } = options
    if (typeof callback !== 'function') throw nothingGiven(call, 'a callback that is no function')
    const ask = async () => secretBytes(call, await callback(), 'a callback that gives nothing')
    return { kdf, ask, forget: () => undefined }
  }
  const secret = 'key' in options ? options.key : options.password
  if (typeof secret === 'string' && form === 'key')
    throw invalid(`${call} takes a key as ${KEY_BYTES} bytes, found a text`)
  if (secret instanceof Uint8Array && form === 'password')
    throw invalid(`${call} takes a password as a text, found bytes`)
  const bytes = secretBytes(call, secret, `a ${form} that is undefined or empty`)
  return { kdf, ask: async () => bytes, forget: () => void bytes.bytes.fill(0) }
}

function kdfOf(call: string, kdf: KeyDerivation | undefined): Kdf {
  if (kdf === undefined || kdf === 'scrypt') return SCRYPT
  if (kdf === 'argon2id') return ARGON2ID
  const known = typeof kdf === 'object' && kdf !== null && (kdf.name === 'scrypt' || kdf.name === 'argon2id')
  const fault = known ? kdfFault(kdf) : "'scrypt', 'argon2id', or one of them with its parameters"
  if (fault !== undefined) throw invalid(`${call} takes as kdf ${fault}`)
  const names = kdf.name === 'scrypt' ? ['cost', 'blockSize', 'parallelism'] : ['memoryKib', 'passes', 'parallelism']
  assertKnown(`${call} encryption.kdf`, kdf, ['name', ...names])
  return { ...kdf }
}

function secretBytes(call: string, secret: unknown, nothing: string): SecretBytes {
  if (secret === undefined || secret === null || secret === '') throw nothingGiven(call, nothing)
  if (typeof secret === 'string') {
    if (/\p{Surrogate}/u.test(secret)) throw invalid(`${call} takes a password of whole characters, found half of one`)
    return { kind: 'password', bytes: new TextEncoder().encode(secret.normalize('NFC')) }
  }
  if (!(secret instanceof Uint8Array)) throw invalid(`${call} takes a password or a key, found ${typeof secret}`)
  if (secret.length === 0) throw nothingGiven(call, nothing)
  if (secret.length !== KEY_BYTES) throw invalid(`${call} takes a key of ${KEY_BYTES} bytes, found ${secret.length}`)
  return { kind: 'key', bytes: Uint8Array.from(secret) }
}

function nothingGiven(call: string, what: string): BlazeError<'PASSWORD_REQUIRED'> {
  return new BlazeError(
    'PASSWORD_REQUIRED',
    `${call} was given encryption with ${what}; nothing was opened or changed. Give a password or a key, or leave the option out for what is not to be encrypted.`,
    undefined,
  )
}

function invalid(text: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `${text}; nothing was opened or changed`, { argument: 'encryption' })
}
