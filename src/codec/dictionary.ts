/**
 * Strings that come often, by number: a field that takes few different strings keeps a byte for each. Dictionaries belong
 * to a table of shapes; like it they only grow, and what is added is a definition that must become durable before the
 * bytes that use it.
 */

/** Sightings after which a string that is not in a dictionary is taken in. */
const TAKE_AFTER = 2
/** Strings of a field whose sightings are counted; when there are more, counting begins anew. */
export const MAX_CANDIDATES = 64
/** UTF-16 units of a string in a dictionary: a longer one costs more to keep than it saves. */
export const MAX_ENTRY = 128

/** One dictionary. */
export interface Dictionary {
  readonly number: number
  /** By number. Append only; generated code reads it. */
  readonly strings: string[]
  readonly numbers: Map<string, number>
  readonly capacity: number
  /** Strings that it has not whose sightings are counted. */
  readonly candidateLimit: number
  /** How often strings were seen that are not in it. */
  readonly candidates: Map<string, number>
}

export function newDictionary(number: number, capacity: number, candidateLimit: number): Dictionary {
  return { number, strings: [], numbers: new Map(), capacity, candidateLimit, candidates: new Map() }
}

/** Puts strings at its end; those that it has are passed over. */
export function extend(dictionary: Dictionary, strings: readonly string[]): void {
  for (const text of strings) {
    if (dictionary.numbers.has(text)) continue
    dictionary.numbers.set(text, dictionary.strings.length)
    dictionary.strings.push(text)
  }
}

/** Counts a string that the dictionary has not; true when it came often enough to be taken in. */
export function seenOften(dictionary: Dictionary, text: string): boolean {
  if (dictionary.strings.length >= dictionary.capacity || text.length > MAX_ENTRY) return false
  const { candidates } = dictionary
  const seen = (candidates.get(text) ?? 0) + 1
  if (seen >= TAKE_AFTER) {
    candidates.delete(text)
    return true
  }
  if (candidates.size >= dictionary.candidateLimit) candidates.clear()
  candidates.set(text, seen)
  return false
}
