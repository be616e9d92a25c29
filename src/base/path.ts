/**
 * Paths into a record. The text `a.b` names the field `b` of the field `a`, `tags.0` the first element of the array
 * `tags`. A dot that belongs to a name is written `\.`, a backslash before a dot, a dash or a backslash `\\`, a leading
 * dash `\-` (indexes read a bare one as "descending"); any other backslash stands for itself.
 *
 * A path never descends into the elements of an array by itself, and only own properties exist.
 */
import { BlazeError } from './errors.ts'
import { MAX_DEPTH, type Path, type StoredRecord, type Value } from './values.ts'

/** The path that `text` names. Throws INVALID_ARGUMENT for text that names nothing. */
export function parsePath(text: string): Path {
  const segments: string[] = []
  let segment = ''
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!
    if (char === '\\' && isEscapable(text[i + 1])) {
      segment += text[++i]!
    } else if (char === '.') {
      segments.push(segment)
      segment = ''
    } else {
      segment += char
    }
  }
  segments.push(segment)
  if (segments.includes('')) {
    throw invalidPath(text, "has an empty name; write 'a.b', and a dot inside a name as '\\.'")
  }
  if (segments.length > MAX_DEPTH) {
    throw invalidPath(text, `is deeper than the ${MAX_DEPTH} levels that a record may have`)
  }
  return segments
}

/** The text of a path: `parsePath(formatPath(path))` is `path`. */
export function formatPath(path: Path): string {
  const text = path.map(escapeSegment).join('.')
  return text.startsWith('-') ? `\\${text}` : text
}

/** What lies at `path`, or undefined when nothing does: a missing field, an index beyond the end, a path through a scalar. */
export function valueAt(record: StoredRecord | Value, path: Path): Value | undefined {
  let value: Value | undefined = record as Value
  for (let i = 0; i < path.length; i++) {
    value = childOf(value, path[i]!)
    if (value === undefined) return undefined
  }
  return value
}

function childOf(value: Value | undefined, name: string): Value | undefined {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return undefined
  if (Array.isArray(value)) {
    const index = Number(name)
    // Only the canonical decimal names an element: neither '01' nor '1e0', and never 'length'.
    return Number.isSafeInteger(index) && index >= 0 && String(index) === name ? value[index] : undefined
  }
  // A Date has no own properties, so that it ends here as well. The rest are plain objects.
  return Object.hasOwn(value, name) ? (value as { readonly [name: string]: Value | undefined })[name] : undefined
}

function isEscapable(char: string | undefined): boolean {
  return char === '.' || char === '\\' || char === '-'
}

function escapeSegment(segment: string): string {
  return segment.replace(/\\(?=[.\\-]|$)|\./g, '\\$&')
}

function invalidPath(text: string, reason: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `The path ${JSON.stringify(text)} ${reason}.`, { argument: 'path' })
}
