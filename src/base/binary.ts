/** Little-endian numbers in byte arrays, without a DataView per buffer. */
const f64 = new Float64Array(1)
const f64Bytes = new Uint8Array(f64.buffer)

export function getU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

export function setU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

/** A safe integer of up to 53 bits as two words: faster than a float64 through a shared array, and exact. */
export function getU53(bytes: Uint8Array, at: number): number {
  return getU32(bytes, at) + getU32(bytes, at + 4) * 0x100000000
}

export function setU53(bytes: Uint8Array, at: number, value: number): void {
  setU32(bytes, at, value >>> 0)
  setU32(bytes, at + 4, Math.floor(value / 0x100000000))
}

export function getF64(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) f64Bytes[i] = bytes[at + i]!
  return f64[0]!
}

export function setF64(bytes: Uint8Array, at: number, value: number): void {
  f64[0] = value
  for (let i = 0; i < 8; i++) bytes[at + i] = f64Bytes[i]!
}
