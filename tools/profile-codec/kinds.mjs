/**
 * Sizes by kind of byte, by differences: all values of a kind are replaced by the smallest one of their kind (text by '',
 * numbers by 0, dates by null, bytes and vectors by empty ones), and what the sample gets smaller by is theirs. So a text
 * counts with its units and what its length takes beyond the one byte of an empty text; a number or date with what it takes
 * beyond one byte of tag. What is left of the sample without all of them is tags, counts and heads.
 *
 * A text that the codec keeps in a dictionary counts by the byte or two that name it, as text; the dictionary itself lies in
 * the definitions. Everything about kinds is behind this one function, so that a codec that tells its own bytes apart can
 * take its place.
 */
import { encodedSizes } from './sizes.mjs'

const KINDS = {
  text: { holds: (value) => typeof value === 'string', least: () => '' },
  numbers: { holds: (value) => typeof value === 'number' || typeof value === 'bigint', least: () => 0 },
  dates: { holds: (value) => value instanceof Date, least: () => null },
  'bytes and vectors': { holds: ArrayBuffer.isView, least: (value) => value.slice(0, 0) },
}

/** Gives `[{ kind, single, batch }]` in bytes over all records; definitions, paid once, come last. */
export function measureKinds(codec, records) {
  const total = encodedSizes(codec, records)
  const kinds = Object.entries(KINDS).map(([kind, { holds, least }]) => {
    const sizes = encodedSizes(
      codec,
      records.map((record) => replaced(record, holds, least)),
    )
    return { kind, single: total.single - sizes.single, batch: total.batch - sizes.batch }
  })
  const sum = (key) => kinds.reduce((sum, entry) => sum + entry[key], 0)
  return [
    ...kinds.filter(({ single, batch }) => single !== 0 || batch !== 0),
    { kind: 'tags, counts and heads', single: total.single - sum('single'), batch: total.batch - sum('batch') },
    { kind: 'definitions, once', single: total.definitions, batch: total.definitions },
  ]
}

function replaced(value, holds, least) {
  if (holds(value)) return least(value)
  if (Array.isArray(value)) return value.map((element) => replaced(element, holds, least))
  if (typeof value !== 'object' || value === null || value instanceof Date || ArrayBuffer.isView(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, replaced(child, holds, least)]))
}
