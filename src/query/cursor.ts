/**
 * Cursors of pages: where the last page ended, as text. Base64url of the JSON [version, query hash, keys, id], the id null
 * for a row that has none (a group, say); a key is
 * [] for a missing value and [value] otherwise, values in the JSON form of the codec. Neither signed nor secret: a forged one can
 * ask for nothing that the query does not give. It names a place in the order, not a row: what came in behind it since
 * is found, and the row it was taken from may be gone.
 */
import { BlazeError } from '../base/errors.ts'
import { fromJsonForm, toJsonForm } from '../codec/json-form.ts'
import type { QueryData } from './query-data.ts'
import { queryToJson } from './query-json.ts'
import { isRecordId, type RowKey } from './row-order.ts'

const VERSION = 1

/** The cursor of a place in the query's order. */
export function encodeCursor(data: QueryData, { keys, id }: RowKey): string {
  const places = keys.map((key) => (key === undefined ? [] : [toJsonForm(key)]))
  // JSON.stringify escapes lone surrogates; what else is beyond ASCII is escaped here, since btoa takes bytes.
  const json = JSON.stringify([VERSION, hashQuery(data), places, isRecordId(id) ? id : null]).replace(
    /[^\x20-\x7e]/g,
    escapeUnit,
  )
  return btoa(json).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** The place that a cursor of this query names; CURSOR_MISMATCH for any other text. */
export function decodeCursor(data: QueryData, cursor: string): RowKey {
  const parsed = parseCursor(cursor)
  if (parsed === undefined) throw mismatch('is not a cursor of this version')
  if (parsed.hash !== hashQuery(data)) throw mismatch('belongs to another query')
  if (parsed.keys.length !== data.orderBy.length) throw mismatch('does not have the keys of this order')
  return { keys: parsed.keys, id: parsed.id }
}

function parseCursor(cursor: string): (RowKey & { readonly hash: unknown }) | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(atob(cursor.replaceAll('-', '+').replaceAll('_', '/')))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof DOMException) return undefined
    throw error
  }
  if (!Array.isArray(parsed) || parsed.length !== 4) return undefined
  const [version, hash, places, id] = parsed as readonly unknown[]
  if (version !== VERSION || !Array.isArray(places) || !(id === null || isRecordId(id))) return undefined
  if (!places.every((place) => Array.isArray(place) && place.length <= 1)) return undefined
  const keys = keysOf(places)
  return keys && { hash, keys, id: id ?? undefined }
}

function keysOf(places: readonly (readonly unknown[])[]): RowKey['keys'] | undefined {
  try {
    return places.map((place) => (place.length === 0 ? undefined : fromJsonForm(place[0])))
  } catch (error) {
    if (error instanceof BlazeError) return undefined
    throw error
  }
}

function mismatch(why: string): BlazeError<'CURSOR_MISMATCH'> {
  const advice = 'Pass the `next` of a page of this same query, or leave `after` out to begin again.'
  return new BlazeError('CURSOR_MISMATCH', `The cursor ${why}. ${advice}`, undefined)
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** 64 bits of the query as JSON: two FNV-1a sums over its UTF-16 units, from two beginnings. */
function hashQuery(data: QueryData): string {
  const text = JSON.stringify(queryToJson({ ...data, limit: undefined, offset: 0 }))
  let a = 0x811c9dc5
  let b = 0x9747b28c
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, 0x01000193)
    b = Math.imul(b ^ (unit + (b >>> 15)), 0x85ebca6b)
  }
  return (a >>> 0).toString(16).padStart(8, '0') + (b >>> 0).toString(16).padStart(8, '0')
}
