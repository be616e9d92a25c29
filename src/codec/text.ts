/**
 * Bytes to strings and back, one native call per slab. The native methods of Buffer work on any Uint8Array; where there
 * is no Buffer the loops below do the same. Narrow text is one byte a UTF-16 unit (Latin-1), wide text two,
 * little-endian: both keep lone surrogates, which UTF-8 would not.
 */

interface NativeText {
  latin1Slice(this: Uint8Array, start: number, end: number): string
  ucs2Slice(this: Uint8Array, start: number, end: number): string
  latin1Write(this: Uint8Array, text: string, offset: number, size: number): number
  ucs2Write(this: Uint8Array, text: string, offset: number, size: number): number
}

// These four are on Buffer.prototype in every Node we run on, though its types do not list them.
const native: NativeText | undefined =
  typeof Buffer === 'undefined' ? undefined : (Buffer.prototype as unknown as NativeText)

/** Units per call of String.fromCharCode in the fallback: far below every engine's limit of arguments. */
const CHUNK = 4096

/** Finds the first unit that does not fit into one byte. */
export const WIDE_UNIT: RegExp = /[\u0100-\uffff]/

/** The narrow string in bytes[start, end). */
export const readNarrow: (bytes: Uint8Array, start: number, end: number) => string =
  native === undefined ? readNarrowSlowly : (bytes, start, end) => native.latin1Slice.call(bytes, start, end)

/** The wide string in bytes[start, end); `end - start` is even. */
export const readWide: (bytes: Uint8Array, start: number, end: number) => string =
  native === undefined ? readWideSlowly : (bytes, start, end) => native.ucs2Slice.call(bytes, start, end)

/** Writes a string without wide units: text.length bytes from `offset`. */
export const writeNarrow: (bytes: Uint8Array, text: string, offset: number) => void =
  native === undefined
    ? writeNarrowSlowly
    : (bytes, text, offset) => {
        native.latin1Write.call(bytes, text, offset, text.length)
      }

/** Writes any string: 2 × text.length bytes from `offset`. */
export const writeWide: (bytes: Uint8Array, text: string, offset: number) => void =
  native === undefined
    ? writeWideSlowly
    : (bytes, text, offset) => {
        native.ucs2Write.call(bytes, text, offset, text.length * 2)
      }

/** As {@link readNarrow}, without native help. */
export function readNarrowSlowly(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  for (let at = start; at < end; at += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(end, at + CHUNK)))
  }
  return text
}

/** As {@link readWide}, without native help. */
export function readWideSlowly(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  const units: number[] = []
  for (let at = start; at < end; at += 2) {
    units.push(bytes[at]! | (bytes[at + 1]! << 8))
    if (units.length === CHUNK || at + 2 >= end) text += String.fromCharCode(...units.splice(0))
  }
  return text
}

/** As {@link writeNarrow}, without native help; the faster one for short strings. */
export function writeNarrowSlowly(bytes: Uint8Array, text: string, offset: number): void {
  for (let i = 0; i < text.length; i++) bytes[offset + i] = text.charCodeAt(i)
}

/** As {@link writeWide}, without native help; the faster one for short strings. */
export function writeWideSlowly(bytes: Uint8Array, text: string, offset: number): void {
  let at = offset
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    bytes[at++] = unit & 255
    bytes[at++] = unit >>> 8
  }
}
