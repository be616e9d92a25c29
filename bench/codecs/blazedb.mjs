/** The codec of this package, by its public door. */
import { pageWriter } from './page.mjs'

export const load = () => import('../../dist/entry/codec.js')

export function contestants(library) {
  const numbers = { name: 'blazedb, dates as numbers', datesAsNumbers: true, modes: ['decode', 'decode-batch'] }
  return [
    { name: 'blazedb', open: () => format(library, {}) },
    { name: 'blazedb, fresh bytes', modes: ['encode'], open: () => ({ ...format(library, {}), write: undefined }) },
    ...(givesNumbers(library)
      ? [{ ...numbers, open: ({ revive }) => (revive ? format(library, { dates: 'number' }) : undefined) }]
      : []),
  ]
}

function format({ Codec, encodeArray }, options) {
  const codec = new Codec(options)
  return {
    codec,
    encode: (record) => codec.encode(record),
    decode: (bytes) => codec.decode(bytes),
    write: pageWriter((record, page, at) => codec.encodeInto(record, page, at), 'blazedb'),
    decodeAt: (page, start, end) => codec.decode(page, start, end),
    encodeBatch: (records) => codec.encodeArray(records),
    decodeBatch: (bytes) => codec.decodeArray(bytes),
    alone: (records) => encodeArray(records),
    tableSize: () => codec.definitions().length,
  }
}

/** Whether this build of the package knows `dates: 'number'`: an option it does not know changes nothing. */
function givesNumbers({ Codec }) {
  const codec = new Codec({ dates: 'number' })
  return typeof codec.decode(codec.encode({ at: new Date(1) })).at === 'number'
}
