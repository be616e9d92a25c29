/**
 * The seals of an encrypted database.
 *
 *   data key (32 random bytes, named by its key id)
 *     ├─ HKDF(epoch salt, kind)     ─▶ frames of the segments of one open: AES-256-GCM
 *     ├─ HKDF(epoch salt, 'spill')  ─▶ versions that one open spills
 *     ├─ HKDF(file id, 'header')    ─▶ HMAC-SHA-256 over segment headers
 *     └─ HKDF(file id, 'values')    ─▶ root and directory values
 *
 *   frame    head (28 bytes, as they are) | tag 12 | ciphertext     nonce := lsn f64 | zero 4     associated := head | file id
 *   header   … HMAC 32 at 476 | checksum u32 at 508
 *   value    := key id u32 | nonce 12 | tag 16 | ciphertext         associated := key id | file id | place
 *
 * A nonce never serves twice under one key: bytes of a position are written with one content only in an epoch, each open
 * has an epoch salt of its own, spilled versions are numbered, and values have random nonces (2³² of them are safe; each
 * checkpoint takes a few). A head that is moved, to another place, file, epoch or kind, has another key, nonce or
 * associated data. The chain value of a frame is the first four bytes of its tag, at the place of the checksum.
 *
 * Keys are kept in memory of their own and overwritten by close(). What the ciphers copy for themselves they clear.
 */
import { toHex } from '../base/bytes.ts'
import { invariant } from '../base/invariant.ts'
import type { Cipher, CipherTask, RandomSource } from '../platform/platform.ts'
import { CHECKSUM_AT, FRAME_HEAD, type FrameSeal, LSN_AT, SEGMENT_HEAD } from './frame.ts'
import type { BlockSeal, SealedBlock, Seals, SegmentKind } from './seal.ts'

/** A data key and the number that headers name it by. */
export interface DataKey {
  readonly id: number
  /** 32 bytes; the seals own them, and overwrite them when they are closed. */
  readonly bytes: Uint8Array
}

export interface EncryptedSealsConfig {
  readonly cipher: Cipher
  readonly random: RandomSource
  readonly fileId: Uint8Array
  /** The newest last: new segments name it. */
  readonly keys: readonly DataKey[]
}

/** Between the head's fields and the items there is room for this much. */
const FRAME_TAG: number = FRAME_HEAD - CHECKSUM_AT
const NONCE = 12
const MAC = 32
const HEADER_MAC_AT: number = SEGMENT_HEAD - 4 - MAC
const VALUE_TAG = 16
const VALUE_NONCE_AT = 4
const VALUE_TAG_AT: number = VALUE_NONCE_AT + NONCE
const VALUE_HEAD: number = VALUE_TAG_AT + VALUE_TAG

const text = new TextEncoder()

/** The seals of a database under its data keys. */
export function encryptedSeals(config: EncryptedSealsConfig): Seals {
  return new EncryptedSeals(config)
}

class EncryptedSeals implements Seals {
  readonly encrypts = true
  readonly keyId: number
  readonly #cipher: Cipher
  readonly #random: RandomSource
  readonly #fileId: Uint8Array
  readonly #keys: ReadonlyMap<number, Uint8Array>
  /** Derived keys, by how they were derived. */
  readonly #derived = new Map<string, Uint8Array>()
  #closed = false

  constructor({ cipher, random, fileId, keys }: EncryptedSealsConfig) {
    const newest = keys.at(-1)
    invariant(newest !== undefined, () => 'an encrypted database has a data key')
    this.keyId = newest.id
    this.#cipher = cipher
    this.#random = random
    this.#fileId = fileId
    this.#keys = new Map(keys.map(({ id, bytes }) => [id, bytes]))
  }

  frames(kind: SegmentKind, header: { readonly epochSalt: Uint8Array; readonly keyId: number }): FrameSeal {
    return new EncryptedFrameSeal(this.#cipher, this.#key(header.keyId, header.epochSalt, kind), this.#fileId)
  }

  spill(epochSalt: Uint8Array): BlockSeal {
    return new EncryptedBlockSeal(this.#cipher, this.#key(this.keyId, epochSalt, 'spill'), this.#fileId)
  }

  sealHeader(bytes: Uint8Array, keyId: number): void {
    bytes.set(this.#headerMac(bytes, keyId), HEADER_MAC_AT)
  }

  headerHolds(bytes: Uint8Array, keyId: number): boolean {
    if (!this.#keys.has(keyId)) return false
    return constantTimeEqual(this.#headerMac(bytes, keyId), bytes.subarray(HEADER_MAC_AT, HEADER_MAC_AT + MAC))
  }

  sealValue(place: string, plain: Uint8Array): Uint8Array {
    const value = new Uint8Array(VALUE_HEAD + plain.length)
    new DataView(value.buffer).setUint32(0, this.keyId, true)
    this.#random.fill(value.subarray(VALUE_NONCE_AT, VALUE_TAG_AT))
    const { bytes, tag } = this.#cipher.encrypt(this.#valueTask(place, value, this.keyId), plain)
    value.set(tag, VALUE_TAG_AT)
    value.set(bytes, VALUE_HEAD)
    return value
  }

  openValue(place: string, value: Uint8Array): Uint8Array | undefined {
    if (value.length < VALUE_HEAD) return undefined
    const keyId = new DataView(value.buffer, value.byteOffset).getUint32(0, true)
    if (!this.#keys.has(keyId)) return undefined
    const tag = value.subarray(VALUE_TAG_AT, VALUE_HEAD)
    return this.#cipher.decrypt(this.#valueTask(place, value, keyId), value.subarray(VALUE_HEAD), tag)
  }

  close(): void {
    this.#closed = true
    for (const key of this.#keys.values()) key.fill(0)
    for (const key of this.#derived.values()) key.fill(0)
  }

  #valueTask(place: string, value: Uint8Array, keyId: number): CipherTask {
    return {
      key: this.#key(keyId, this.#fileId, 'values'),
      nonce: value.subarray(VALUE_NONCE_AT, VALUE_TAG_AT),
      associated: joined(value.subarray(0, VALUE_NONCE_AT), this.#fileId, text.encode(place)),
      tagBytes: VALUE_TAG,
    }
  }

  #headerMac(bytes: Uint8Array, keyId: number): Uint8Array {
    return this.#cipher.hmac(this.#key(keyId, this.#fileId, 'header'), bytes.subarray(0, HEADER_MAC_AT))
  }

  #key(keyId: number, salt: Uint8Array, use: string): Uint8Array {
    invariant(!this.#closed, () => 'the keys of a closed database are gone')
    const name = `${keyId}/${toHex(salt)}/${use}`
    let key = this.#derived.get(name)
    if (key === undefined) {
      const dataKey = this.#keys.get(keyId)
      invariant(dataKey !== undefined, () => `there is a data key ${keyId}`)
      key = this.#cipher.hkdf(dataKey, salt, `blazedb ${use}`)
      this.#derived.set(name, key)
    }
    return key
  }
}

/** The frames of the segments of one epoch and kind. Its buffers are its own: sealing and opening are synchronous. */
class EncryptedFrameSeal implements FrameSeal {
  readonly encrypts = true
  readonly #cipher: Cipher
  readonly #task: CipherTask
  readonly #nonce = new Uint8Array(NONCE)
  readonly #associated: Uint8Array

  constructor(cipher: Cipher, key: Uint8Array, fileId: Uint8Array) {
    this.#cipher = cipher
    this.#associated = joined(new Uint8Array(CHECKSUM_AT), fileId)
    this.#task = { key, nonce: this.#nonce, associated: this.#associated, tagBytes: FRAME_TAG }
  }

  seal(bytes: Uint8Array, view: DataView, start: number, end: number, sealed: Uint8Array): number {
    const items = start + FRAME_HEAD
    const frame = this.#cipher.encrypt(this.#taskOf(bytes, start), bytes.subarray(items, end))
    bytes.set(frame.tag, start + CHECKSUM_AT)
    sealed.set(bytes.subarray(start, items), start)
    sealed.set(frame.bytes, items)
    return view.getUint32(start + CHECKSUM_AT, true)
  }

  open(bytes: Uint8Array, _view: DataView, start: number, end: number): boolean {
    const items = start + FRAME_HEAD
    const tag = bytes.subarray(start + CHECKSUM_AT, items)
    const plain = this.#cipher.decrypt(this.#taskOf(bytes, start), bytes.subarray(items, end), tag)
    if (plain === undefined) return false
    bytes.set(plain, items)
    return true
  }

  mismatch(): { expected: string; found: string } {
    return { expected: 'a frame sealed with the keys of this database', found: 'another tag' }
  }

  #taskOf(bytes: Uint8Array, start: number): CipherTask {
    this.#associated.set(bytes.subarray(start, start + CHECKSUM_AT))
    this.#nonce.set(bytes.subarray(start + LSN_AT, start + LSN_AT + 8))
    return this.#task
  }
}

class EncryptedBlockSeal implements BlockSeal {
  readonly encrypts = true
  readonly #cipher: Cipher
  readonly #task: CipherTask
  readonly #nonce = new Uint8Array(NONCE)
  readonly #number = new DataView(this.#nonce.buffer)

  constructor(cipher: Cipher, key: Uint8Array, fileId: Uint8Array) {
    this.#cipher = cipher
    this.#task = { key, nonce: this.#nonce, associated: fileId, tagBytes: VALUE_TAG }
  }

  seal(number: number, bytes: Uint8Array): SealedBlock {
    this.#number.setFloat64(0, number, true)
    const sealed = this.#cipher.encrypt(this.#task, bytes)
    return { bytes: sealed.bytes, proof: sealed.tag }
  }

  open(number: number, { bytes, proof }: SealedBlock): Uint8Array | undefined {
    invariant(typeof proof !== 'number', () => 'an encrypted block is proven by its tag')
    this.#number.setFloat64(0, number, true)
    return this.#cipher.decrypt(this.#task, bytes, proof)
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Equality in a time that does not depend on where the first difference is. */
function constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ (b[i] ?? 0)
  return difference === 0
}
