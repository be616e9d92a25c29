/** msgpackr: maps; records in a shared table of structures; the same with bundled strings. */
export const load = () => import('msgpackr')

/** The most that its format allows. It stops at 32 by default, and sparse records have more. */
const MOST = { maxSharedStructures: 8160, maxOwnStructures: 32 }

export function contestants({ Packr }) {
  const shared = (options) => format(new Packr({ ...MOST, ...options, structures: [] }), new Packr(options))
  const plain = () => {
    const packr = new Packr({ useRecords: false })
    return format(packr, packr)
  }
  return [
    { name: 'msgpackr', open: plain },
    { name: 'msgpackr shared', open: () => shared({}) },
    { name: 'msgpackr shared, bundled strings', open: () => shared({ bundleStrings: true }) },
  ]
}

/** `alone` writes structures into the bytes. */
function format(packr, alone) {
  const encode = (value) => packr.pack(value)
  const decode = (bytes) => packr.unpack(bytes)
  const tableSize = () => Buffer.byteLength(JSON.stringify(packr.structures))
  return {
    encode,
    decode,
    encodeBatch: encode,
    decodeBatch: decode,
    alone: (records) => alone.pack(records),
    ...(packr === alone ? {} : { tableSize }),
  }
}
