/**
 * The ciphers of Node's own crypto: AES-256-GCM, HKDF and HMAC on SHA-256, scrypt, and Argon2id where the runtime has it.
 * Nothing is emulated, and nothing of a ciphertext is given out before its tag has been found right.
 */
import * as crypto from 'node:crypto'
import type { Argon2Parameters, Cipher, CipherTask, ScryptParameters } from './platform.ts'

const ALGORITHM = 'aes-256-gcm'
const KEY_BYTES = 32
const SMALLEST_TAG = 12

/** Memory that scrypt needs beside its 128 × N × r bytes, generously. */
const SCRYPT_SLACK_BYTES = 0x200000

/** The machine's ciphers. */
export const cipher: Cipher = {
  encrypt({ key, nonce, associated, tagBytes }: CipherTask, plain: Uint8Array) {
    const gcm = crypto.createCipheriv(ALGORITHM, key, nonce, { authTagLength: tagBytes })
    gcm.setAAD(associated)
    const bytes = gcm.update(plain)
    gcm.final() // of a stream cipher nothing is left
    return { bytes, tag: gcm.getAuthTag() }
  },

  decrypt({ key, nonce, associated, tagBytes }: CipherTask, sealed: Uint8Array, tag: Uint8Array) {
    if (tag.length !== tagBytes || tagBytes < SMALLEST_TAG) return undefined
    const gcm = crypto.createDecipheriv(ALGORITHM, key, nonce, { authTagLength: tagBytes })
    gcm.setAAD(associated)
    gcm.setAuthTag(tag)
    const bytes = gcm.update(sealed)
    try {
      gcm.final()
    } catch {
      bytes.fill(0)
      return undefined
    }
    return bytes
  },

  hkdf(key, salt, info) {
    return new Uint8Array(crypto.hkdfSync('sha256', key, salt, info, KEY_BYTES))
  },

  hmac(key, bytes) {
    return crypto.createHmac('sha256', key).update(bytes).digest()
  },

  scrypt(password, salt, { cost, blockSize, parallelism }: ScryptParameters) {
    const maxmem = 128 * blockSize * (cost + parallelism) + SCRYPT_SLACK_BYTES
    const options = { N: cost, r: blockSize, p: parallelism, maxmem }
    return settled((done) => crypto.scrypt(password, salt, KEY_BYTES, options, done))
  },

  argon2id: argon2id(),
}

type Done = (error: Error | null, key: Uint8Array) => void
type Argon2 = (algorithm: string, parameters: object, done: Done) => void

/** Argon2id came to node:crypto in Node 24.7; what has none gets none. */
function argon2id(): Cipher['argon2id'] {
  const found: unknown = Reflect.get(crypto, 'argon2')
  if (typeof found !== 'function') return undefined
  // The signature that Node documents; the types of an older Node do not know it.
  const argon2 = found as Argon2
  return (password, salt, { memoryKib, passes, parallelism }: Argon2Parameters) => {
    const parameters = { message: password, nonce: salt, parallelism, tagLength: KEY_BYTES, memory: memoryKib, passes }
    return settled((done) => argon2('argon2id', parameters, done))
  }
}

function settled(call: (done: Done) => void): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    call((error, key) => {
      if (error === null) resolve(key)
      else reject(error)
    })
  })
}
