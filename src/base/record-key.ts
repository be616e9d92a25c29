/**
 * A record's id in the form the record table keeps: 16 bytes, and one flag. Reused by its owner, never kept.
 *
 *   UUID text (canonical)        the 16 bytes                                      uuid = true,  exact
 *   safe integer                 tag 1, 7 zero bytes, float64                      uuid = false, exact
 *   string of up to 15 bytes     tag 16 + length, bytes                            uuid = false, exact
 *   longer string                tag 2, 15 bytes of hash                           uuid = false, not exact: a hit is
 *                                                                                  proved by the id in the log
 */
import { getF64, setF64 } from './binary.ts'
import type { RecordId } from './ids.ts'
import { formatUuid, parseUuid } from './uuid.ts'

/** The kinds of id bytes, as entries in the log name them. */
export const ID_UUID = 0
export const ID_INTEGER = 16
export const ID_STRING = 32

/** The most bytes of UTF-8 an id takes. */
export const MAX_ID_SIZE = 512

/** Stands for the flag, below every tag. */
const TAG_UUID = -1
const TAG_INTEGER = 1
const TAG_HASH = 2
const TAG_SHORT = 16
const MAX_SHORT = 15

const utf8Encoder = new TextEncoder()
const utf8Decoder = new TextDecoder()

export class RecordKey {
  /** The 16 bytes as four words. */
  readonly words: Uint32Array = new Uint32Array(4)
  readonly #bytes = new Uint8Array(this.words.buffer)
  /** The id as the log stores it: idSize bytes. */
  readonly idBytes: Uint8Array = new Uint8Array(MAX_ID_SIZE * 3)
  idSize = 0
  idKind: number = ID_UUID
  /** True when equal words mean equal ids. */
  exact = true

  get uuid(): boolean {
    return this.idKind === ID_UUID
  }

  /** Takes an id; false when it is none (empty, too long, a lone surrogate, no safe integer). */
  set(id: RecordId): boolean {
    if (typeof id === 'number') {
      if (!Number.isSafeInteger(id)) return false
      this.#setInteger(id)
      return true
    }
    if (parseUuid(id, this.#bytes, 0)) {
      this.#setUuid()
      return true
    }
    const size = encodeText(id, this.idBytes)
    if (size < 0) return false
    this.idSize = size
    this.#setString()
    return true
  }

  /** Takes the id of a packed UUID by its words: cheaper than its text again. */
  setUuidWords(w0: number, w1: number, w2: number, w3: number): void {
    const { words } = this
    words[0] = w0
    words[1] = w1
    words[2] = w2
    words[3] = w3
    this.#setUuid()
  }

  /** Takes an id as the log stores it. */
  setStored(bytes: Uint8Array, kind: number, start: number, size: number): void {
    if (kind === ID_INTEGER) {
      this.#setInteger(getF64(bytes, start))
      return
    }
    for (let i = 0; i < size; i++) this.idBytes[i] = bytes[start + i]!
    this.idSize = size
    if (kind === ID_STRING) {
      this.#setString()
      return
    }
    for (let i = 0; i < 16; i++) this.#bytes[i] = bytes[start + i]!
    this.#setUuid()
  }

  /** The id when it is an integer. */
  idNumber(): number {
    return getF64(this.idBytes, 0)
  }

  /** True when stored id bytes are this id's. */
  sameStored(bytes: Uint8Array, start: number, size: number): boolean {
    if (size !== this.idSize) return false
    for (let i = 0; i < size; i++) if (bytes[start + i] !== this.idBytes[i]) return false
    return true
  }

  /** The 16 bytes are in place. */
  #setUuid(): void {
    const bytes = this.#bytes
    const { idBytes } = this
    for (let i = 0; i < 16; i++) idBytes[i] = bytes[i]!
    this.idSize = 16
    this.idKind = ID_UUID
    this.exact = true
  }

  #setInteger(id: number): void {
    const value = id === 0 ? 0 : id
    setF64(this.idBytes, 0, value)
    this.idSize = 8
    this.idKind = ID_INTEGER
    this.exact = true
    this.words.fill(0)
    this.#bytes[0] = TAG_INTEGER
    setF64(this.#bytes, 8, value)
  }

  #setString(): void {
    const size = this.idSize
    this.idKind = ID_STRING
    this.words.fill(0)
    this.exact = size <= MAX_SHORT
    if (this.exact) {
      this.#bytes[0] = TAG_SHORT + size
      for (let i = 0; i < size; i++) this.#bytes[i + 1] = this.idBytes[i]!
      return
    }
    let a = 0x9e3779b1 ^ size
    let b = 0x85ebca6b
    let c = 0xc2b2ae35
    let d = 0x27d4eb2f
    for (let i = 0; i < size; i++) {
      const byte = this.idBytes[i]!
      a = Math.imul(a ^ byte, 0x01000193)
      b = Math.imul(b + byte, 0x9e3779b1) ^ (a >>> 15)
      c = Math.imul(c ^ (byte + i), 0x85ebca77) + (b >>> 13)
      d = Math.imul(d + (byte ^ c), 0xc2b2ae3d) ^ (d >>> 11)
    }
    this.words[0] = a
    this.words[1] = b
    this.words[2] = c
    this.words[3] = d
    this.#bytes[0] = TAG_HASH
  }
}

/**
 * The order of two ids (integers, then strings by code point) by the four words of each, from `a` and from `b`; NaN when
 * these do not say it: of a long string they hold a hash, and a UUID beside another string is compared as text.
 *
 * The text of a UUID, in lower case, has the order of its bytes, and UTF-8 that of code points. Words are of little endian,
 * so they are turned round where they differ.
 */
export function compareKeyWords(
  words: Uint32Array,
  a: number,
  aIsUuid: boolean,
  others: Uint32Array,
  b: number,
  bIsUuid: boolean,
): number {
  const tagA = aIsUuid ? TAG_UUID : words[a]! & 255
  const tagB = bIsUuid ? TAG_UUID : others[b]! & 255
  if (tagA === TAG_UUID && tagB === TAG_UUID) return compareWords(words, a, others, b, 0)
  if (tagA === TAG_INTEGER || tagB === TAG_INTEGER) {
    if (tagA !== tagB) return tagA === TAG_INTEGER ? -1 : 1
    return integerIn(words, a) - integerIn(others, b)
  }
  if (tagA < TAG_SHORT || tagB < TAG_SHORT) return Number.NaN
  // Zeros follow a short string: equal so far, the shorter comes first.
  return compareWords(words, a, others, b, 255) || tagA - tagB
}

/** As bytes, without those in `mask` of the first word. */
function compareWords(words: Uint32Array, a: number, others: Uint32Array, b: number, mask: number): number {
  let x = words[a]! & ~mask
  let y = others[b]! & ~mask
  for (let i = 1; x === y && i < 4; i++) {
    x = words[a + i]! | 0
    y = others[b + i]! | 0
  }
  return x === y ? 0 : turned(x) - turned(y)
}

function turned(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0
}

const integerWords = new Uint32Array(2)
const integer = new Float64Array(integerWords.buffer)

function integerIn(words: Uint32Array, at: number): number {
  integerWords[0] = words[at + 2]!
  integerWords[1] = words[at + 3]!
  return integer[0]!
}

/** The id of stored bytes. */
export function readStoredId(bytes: Uint8Array, kind: number, start: number, size: number): RecordId {
  if (kind === ID_UUID) return formatUuid(bytes, start)
  if (kind === ID_INTEGER) return getF64(bytes, start)
  return shortText(bytes, start, size) ?? utf8Decoder.decode(bytes.subarray(start, start + size))
}

/** ASCII of up to 24 bytes char by char: cheaper than a call into native code. */
function shortText(bytes: Uint8Array, start: number, size: number): string | undefined {
  if (size > 24) return undefined
  let text = ''
  for (let i = start; i < start + size; i++) {
    const byte = bytes[i]!
    if (byte > 127) return undefined
    text += String.fromCharCode(byte)
  }
  return text
}

/** UTF-8 of an id; -1 when it has none or more than MAX_ID_SIZE bytes, or holds a lone surrogate. */
function encodeText(text: string, target: Uint8Array): number {
  if (text.length === 0 || text.length > MAX_ID_SIZE) return -1
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 127) {
      if (!text.isWellFormed()) return -1
      const { written } = utf8Encoder.encodeInto(text, target)
      return written <= MAX_ID_SIZE ? written : -1
    }
    target[i] = code
  }
  return text.length
}
