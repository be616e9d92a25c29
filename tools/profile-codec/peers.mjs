/**
 * The codecs that are compared. Each is `{ name, encode, decode, encodeMany, decodeMany, note? }`; bytes in, bytes out,
 * at the settings that suit it best. A package is looked for from the user's folder, then from here; one that is nowhere is
 * a line of the report.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { deserialize, serialize } from 'node:v8'
import { dateReviver } from './dates.mjs'

const PACKAGES = { msgpackr: msgpackrCodec, 'cbor-x': cborCodec }

/** Gives `{ found, missing }`: codecs, and names of packages that are not installed. */
export async function loadPeers(folder, datePaths) {
  const found = [jsonCodec(), jsonWithDates(datePaths), v8Codec()]
  const missing = []
  for (const [name, make] of Object.entries(PACKAGES)) {
    const library = await loadPackage(name, [folder, import.meta.dirname, join(import.meta.dirname, '../../bench')])
    if (library === undefined) missing.push(name)
    else found.push(make(library))
  }
  return { found, missing }
}

/** This codec: one by one with a table that is sent once, and as arrays of the same codec. */
export function ownCodec({ Codec }) {
  const codec = new Codec()
  return {
    name: 'blazedb',
    encode: (record) => codec.encode(record),
    decode: (bytes) => codec.decode(bytes),
    encodeMany: (records) => codec.encodeArray(records),
    decodeMany: (bytes) => codec.decodeArray(bytes),
  }
}

async function loadPackage(name, folders) {
  for (const folder of folders) {
    const path = resolved(name, folder)
    if (path !== undefined) return await import(pathToFileURL(path).href)
  }
  return undefined
}

function resolved(name, folder) {
  try {
    return createRequire(join(folder, 'from.js')).resolve(name)
  } catch {
    // Not there, or not for require: either way not to be had from this folder.
    return undefined
  }
}

function jsonCodec() {
  const encode = (value) => Buffer.from(JSON.stringify(value))
  const decode = (bytes) => JSON.parse(bytes.toString())
  return { name: 'JSON', encode, decode, encodeMany: encode, decodeMany: decode }
}

function jsonWithDates(paths) {
  const json = jsonCodec()
  const revive = dateReviver(paths)
  return {
    ...json,
    name: 'JSON+dates',
    decode: (bytes) => revive(json.decode(bytes)),
    decodeMany: (bytes) => json.decode(bytes).map(revive),
  }
}

function v8Codec() {
  return {
    name: 'v8.serialize',
    encode: serialize,
    decode: deserialize,
    encodeMany: serialize,
    decodeMany: deserialize,
  }
}

/** With shared structures: names are kept beside the bytes, as ours are. */
function msgpackrCodec({ Packr }) {
  const packr = new Packr({ structures: [] })
  const encode = (value) => packr.pack(value)
  const decode = (bytes) => packr.unpack(bytes)
  return { name: 'msgpackr', encode, decode, encodeMany: encode, decodeMany: decode }
}

/** With shared structures; bundled strings where they pay: in batches. */
function cborCodec({ Encoder }) {
  const one = new Encoder({ structures: [] })
  const many = new Encoder({ structures: [], bundleStrings: true })
  return {
    name: 'cbor-x',
    encode: (value) => one.encode(value),
    decode: (bytes) => one.decode(bytes),
    encodeMany: (value) => many.encode(value),
    decodeMany: (bytes) => many.decode(bytes),
  }
}
