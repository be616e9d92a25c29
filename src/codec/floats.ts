/** Floats from bytes at any offset: a copy of a few bytes costs less than making a DataView of each buffer. */

export const floatBytes: Uint8Array = new Uint8Array(8)
export const floatView: DataView = new DataView(floatBytes.buffer)

/** The little-endian float of 4 or 8 bytes at `at`. */
export function readFloat(bytes: Uint8Array, at: number, size: number): number {
  for (let i = 0; i < size; i++) floatBytes[i] = bytes[at + i]!
  return size === 4 ? floatView.getFloat32(0, true) : floatView.getFloat64(0, true)
}
