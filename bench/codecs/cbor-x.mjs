/** cbor-x: maps; records in a shared table of structures; the same with bundled strings. */
export const load = () => import('cbor-x')

/** Shared structures stay at its default of 128: with 256 and more it threw on nested and sparse records. */
export function contestants({ Encoder }) {
  const shared = (options) => format(new Encoder({ ...options, structures: [] }), new Encoder(options))
  const plain = () => {
    const encoder = new Encoder({ useRecords: false })
    return format(encoder, encoder)
  }
  return [
    { name: 'cbor-x', open: plain },
    { name: 'cbor-x shared', open: () => shared({}) },
    { name: 'cbor-x shared, bundled strings', open: () => shared({ bundleStrings: true }) },
  ]
}

/** `alone` writes structures into the bytes. */
function format(encoder, alone) {
  const encode = (value) => encoder.encode(value)
  const decode = (bytes) => encoder.decode(bytes)
  const tableSize = () => Buffer.byteLength(JSON.stringify(encoder.structures))
  return {
    encode,
    decode,
    encodeBatch: encode,
    decodeBatch: decode,
    alone: (records) => alone.encode(records),
    ...(encoder === alone ? {} : { tableSize }),
  }
}
