/**
 * The comparison: every codec encodes and decodes the sample record by record and as one batch, interleaved in one process;
 * medians over the rounds. Speeds are ratios to JSON, which has to make bytes and read them as everybody else. Sizes
 * are without what is sent once (definitions, structures). All fields at the top are read after decoding.
 */
import { isDeepStrictEqual } from 'node:util'
import { ownCodec } from './peers.mjs'
import { measureRounds, median, touch } from './rounds.mjs'

const MODES = ['encode one', 'decode one', 'encode batch', 'decode batch']
/** Records that are looked at to say whether a codec gives back what it was given. */
const CHECKED_RECORDS = 100

/** Gives `[{ name, single, batch, us: { mode: µs per record }, ratios: { mode: × JSON }, exact } | { name, failed }]`. */
export function compare(library, peers, records, budgetMs) {
  const prepared = [...peers, ownCodec(library)].map((codec) => prepare(codec, records))
  const working = prepared.filter(({ failed }) => failed === undefined)
  const times = Object.fromEntries(
    MODES.map((mode) => {
      const blocks = Object.fromEntries(working.map(({ name, blocks }) => [name, blocks[mode]]))
      return [mode, measureRounds(blocks, budgetMs / MODES.length)]
    }),
  )
  const usOf = (name, mode) => (1000 * median(times[mode][name])) / records.length
  return prepared.map(({ name, failed, single, batch, exact }) => {
    if (failed !== undefined) return { name, failed }
    const us = Object.fromEntries(MODES.map((mode) => [mode, usOf(name, mode)]))
    const ratios = Object.fromEntries(MODES.map((mode) => [mode, usOf('JSON', mode) / us[mode]]))
    return { name, single, batch, us, ratios, exact }
  })
}

/** Everything that is not timed; a codec that cannot take the data says so. */
function prepare({ name, encode, decode, encodeMany, decodeMany }, records) {
  try {
    for (const record of records) encode(record)
    const singles = records.map((record) => Uint8Array.prototype.slice.call(encode(record))).map(asBuffer)
    encodeMany(records)
    const many = asBuffer(Uint8Array.prototype.slice.call(encodeMany(records)))
    const checked = records.slice(0, CHECKED_RECORDS)
    const exact =
      isDeepStrictEqual(singles.slice(0, CHECKED_RECORDS).map(decode), checked) &&
      isDeepStrictEqual(decodeMany(many).slice(0, CHECKED_RECORDS), checked)
    const blocks = {
      'encode one': () => {
        for (const record of records) encode(record)
      },
      'decode one': () => {
        for (const bytes of singles) touch(decode(bytes))
      },
      'encode batch': () => encodeMany(records),
      'decode batch': () => {
        for (const record of decodeMany(many)) touch(record)
      },
    }
    return { name, single: singles.reduce((sum, { length }) => sum + length, 0), batch: many.length, exact, blocks }
  } catch (error) {
    return { name, failed: error.message }
  }
}

/** JSON needs toString() of a Buffer; the others take either. */
function asBuffer(bytes) {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
