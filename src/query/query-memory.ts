/** How much a run may hold at once: the rows, keys and values that its operators must have together. */
import { BlazeError } from '../base/errors.ts'
import type { Value } from '../base/values.ts'

/** One bound for all operators of a run. */
export class QueryMemory {
  readonly #limitBytes: number
  #heldBytes = 0
  #peakBytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** The most that was held at once. */
  get peakBytes(): number {
    return this.#peakBytes
  }

  /** The part of one operator; `what` says what it holds, for the error. */
  share(what: string): MemoryShare {
    return new MemoryShare(this, what)
  }

  /** Room for so many bytes more; MEMORY_LIMIT when there is none. */
  take(bytes: number, what: string): void {
    const actual = this.#heldBytes + bytes
    if (actual > this.#limitBytes) {
      throw new BlazeError(
        'MEMORY_LIMIT',
        `The query was ended and nothing was changed: with ${what} it would hold about ${Math.ceil(actual)} bytes, and it may hold ${this.#limitBytes}. Filter more, order with a limit, add an index that gives the order or finds what is joined, or open the database with more memoryBytes.`,
        { limit: this.#limitBytes, actual: Math.ceil(actual) },
      )
    }
    this.#heldBytes = actual
    if (actual > this.#peakBytes) this.#peakBytes = actual
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes
  }
}

/** What one operator holds of it, given back as a whole. */
export class MemoryShare {
  readonly #memory: QueryMemory
  readonly #what: string
  #bytes = 0

  constructor(memory: QueryMemory, what: string) {
    this.#memory = memory
    this.#what = what
  }

  take(bytes: number): void {
    this.#memory.take(bytes, this.#what)
    this.#bytes += bytes
  }

  release(bytes: number): void {
    this.#memory.release(bytes)
    this.#bytes -= bytes
  }

  releaseAll(): void {
    this.release(this.#bytes)
  }
}

/** What a place in an order costs beside the row: its keys, its entry in a run. */
export const PLACE_BYTES = 96

/** Of the heap, for one thing of each kind: headers, pointers to it, its entry in a Map or an array. */
const SLOT_BYTES = 8
const STRING_BYTES = 24
const OBJECT_BYTES = 48
const DATE_BYTES = 64
const BUFFER_BYTES = 160
const SMALL_BIGINT = 2n ** 64n

/**
 * About how many bytes of the heap a value holds. Right within a factor of two for records of some scalars: the limit is
 * there to refuse what is ten times too large, not to fill memory to the brim.
 */
export function heldBytes(value: Value | undefined): number {
  switch (typeof value) {
    case 'string':
      return STRING_BYTES + value.length
    case 'bigint':
      return value < SMALL_BIGINT && value > -SMALL_BIGINT ? STRING_BYTES : STRING_BYTES + value.toString(16).length / 2
    case 'object':
      return value === null ? SLOT_BYTES : bytesOfObject(value)
    default:
      return SLOT_BYTES
  }
}

function bytesOfObject(value: Value & object): number {
  if (value instanceof Date) return DATE_BYTES
  if (ArrayBuffer.isView(value)) return BUFFER_BYTES + value.byteLength
  let bytes = OBJECT_BYTES
  if (Array.isArray(value)) {
    const items: readonly Value[] = value
    for (let i = 0; i < items.length; i++) bytes += SLOT_BYTES + heldBytes(items[i])
    return bytes
  }
  // What is neither of the above is a plain object.
  const object = value as { readonly [name: string]: Value | undefined }
  for (const name in object) bytes += SLOT_BYTES + heldBytes(object[name])
  return bytes
}
