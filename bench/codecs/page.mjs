/** Writing record after record into one page, from its beginning again when it is full, as a log buffer is written. */
import { ownCopy } from '../measure/own-copy.mjs'

const PAGE_SIZE = 64 * 1024

/** `encodeInto(record, page, at)` gives where the record ends, or a number below 0 when there is no room for it. */
export function pageWriter(encodeInto, label) {
  return ownCopy(writer, `${label} page`)(encodeInto, Buffer.alloc(PAGE_SIZE))
}

function writer(encodeInto, page) {
  let at = 0
  return (record) => {
    let end = encodeInto(record, page, at)
    if (end < 0) {
      at = 0
      end = encodeInto(record, page, 0)
    }
    const size = end - at
    at = end
    return size
  }
}

/** Encoded records one after the other in one page, and where each ends. */
export function pageOf(encoded) {
  let end = 0
  const ends = encoded.map((bytes) => (end += bytes.length))
  return { page: Buffer.concat(encoded), ends }
}
