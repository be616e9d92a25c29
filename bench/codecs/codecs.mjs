/**
 * The codecs that can run here. A peer that is not installed is named as missing; whatever else is wrong is not hidden.
 *
 * A file of this folder has `load()`, which gives its library, and `contestants(library)`: the ways of using it,
 *
 *   { name, modes?, datesAsNumbers?, open(dataSet) }
 *
 * `modes`: the only ones it runs in. `datesAsNumbers`: dates come back as milliseconds, on purpose. `open` makes a new
 * codec for a data set, without anything learnt, or gives undefined where it makes no sense:
 *
 *   encode(record), decode(bytes)                the bytes are valid until the next encode
 *   encodeBatch(records), decodeBatch(bytes)     with the same shared table, if there is one
 *   write?(record) → size                        one record in the quickest way: into a page of its own
 *   decodeAt?(page, start, end)                  one record of a page
 *   alone?(records)                              a batch that nothing but the library is needed to read
 *   tableSize?()                                 bytes of the table that single records need
 */
import { readFileSync } from 'node:fs'

const MODULES = ['blazedb', 'json', 'msgpackr', 'cbor-x', '@msgpack/msgpack', 'bson', 'v8', 'avsc', 'protobufjs']
export const CODEC_PEERS = MODULES.slice(2)

/** Contestants of the wanted peers, of blazedb and of JSON, each with its `peer`; which are missing; versions of the rest. */
export async function loadCodecs(peers) {
  const contestants = []
  const missing = []
  const versions = {}
  for (const peer of MODULES) {
    if (CODEC_PEERS.includes(peer) && !peers.includes(peer)) continue
    const found = await loadCodec(peer)
    if (found === undefined) missing.push(peer)
    else contestants.push(...found.contestants.map((contestant) => ({ ...contestant, peer })))
    if (found !== undefined && CODEC_PEERS.includes(peer)) versions[peer] = versionOf(peer, found.accelerated)
  }
  return { contestants, missing, versions }
}

/** `{ contestants, accelerated? }`, or undefined when the peer is not installed. */
export async function loadCodec(peer) {
  const { load, contestants } = await import(`./${peer.slice(peer.indexOf('/') + 1)}.mjs`)
  try {
    const library = await load()
    return { contestants: contestants(library), accelerated: library.isNativeAccelerationEnabled }
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND' || error.code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  }
}

/** The version that was loaded, and whether a codec with optional native code has it here. */
function versionOf(peer, accelerated) {
  if (peer === 'v8') return process.versions.v8
  const address = import.meta.resolve(peer)
  const folder = `/node_modules/${peer}/`
  const manifest = new URL(address.slice(0, address.lastIndexOf(folder) + folder.length).concat('package.json'))
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'))
  if (accelerated === undefined) return version
  return `${version}, ${accelerated ? 'with' : 'without'} its native code`
}
