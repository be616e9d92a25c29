/** bson: a document each; a batch is a document with one array. */
import { pageWriter } from './page.mjs'

export const load = () => import('bson')

/** The strings are our own: that they are UTF-8 need not be checked. */
const TRUSTED = { validation: { utf8: false } }

export function contestants({ serialize, serializeWithBufferAndIndex, deserialize }) {
  const encodeBatch = (records) => serialize({ records })
  const open = () => ({
    encode: (record) => serialize(record),
    decode: (bytes) => deserialize(bytes, TRUSTED),
    write: pageWriter((record, page, index) => {
      try {
        return serializeWithBufferAndIndex(record, page, { index }) + 1
      } catch (error) {
        if (error instanceof RangeError) return -1
        throw error
      }
    }, 'bson'),
    encodeBatch,
    decodeBatch: (bytes) => deserialize(bytes, TRUSTED).records,
    alone: encodeBatch,
  })
  return [{ name: 'bson', open }]
}
