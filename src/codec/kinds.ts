/**
 * Which built-in object something is, asked of the object itself: it is then right for objects of another realm (test
 * runners, vm contexts) and for those that only pretend.
 */

/** The two vectors that can be stored. */
export type Vector = Float32Array | Float64Array

const getTypeName = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
)?.get as (this: unknown) => string | undefined

/** The value as bytes, when it is a Uint8Array (a Buffer is one). */
export function asBytes(value: object): Uint8Array | undefined {
  return getTypeName.call(value) === 'Uint8Array' ? (value as Uint8Array) : undefined
}

/** The value as a vector, when it is one. */
export function asVector(value: object): Vector | undefined {
  const name = getTypeName.call(value)
  return name === 'Float32Array' || name === 'Float64Array' ? (value as Vector) : undefined
}

const HOST_IS_LITTLE_ENDIAN: boolean = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** The elements of a vector as little-endian bytes: a view where the host is, else a copy. */
export function vectorBytes(vector: Vector): Uint8Array {
  const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
  return HOST_IS_LITTLE_ENDIAN ? bytes : swapped(bytes, vector.BYTES_PER_ELEMENT)
}

/** Fills a vector from little-endian bytes of its own size. */
export function fillVector(vector: Vector, bytes: Uint8Array): void {
  const target = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
  target.set(HOST_IS_LITTLE_ENDIAN ? bytes : swapped(bytes, vector.BYTES_PER_ELEMENT))
}

/** A copy with the bytes of each element reversed. */
export function swapped(bytes: Uint8Array, elementSize: number): Uint8Array {
  const copy = bytes.slice()
  for (let at = 0; at < copy.length; at += elementSize) copy.subarray(at, at + elementSize).reverse()
  return copy
}
