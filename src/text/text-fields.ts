/** What is indexed of a document: which fields, and their texts. */
import { BlazeError } from '../base/errors.ts'

/** A declared field: its path as a user writes it (`title`, `author.name`), and how much a word in it counts. */
export interface TextFieldSpec {
  readonly path: string
  /** 1 when not given; above 0, at most {@link MAX_WEIGHT}. */
  readonly weight?: number
}

/** How the texts of a collection are indexed. Another declaration is another index. */
export interface TextSpec {
  readonly fields: readonly TextFieldSpec[]
  /** Words are reduced to their English stems (porter2.ts). */
  readonly language?: 'english'
  /** Words that are not indexed, and are passed over in searches. */
  readonly stopWords?: readonly string[]
}

/** The text of one field: of a string, of an array's strings, or none. */
export type FieldText = string | readonly string[] | undefined

/** Fields of one index: a number fits into a byte, and nobody declares more. */
export const MAX_FIELDS = 64
/** Far above any sensible weight, and small enough that no sum of weights loses its low bits. */
export const MAX_WEIGHT = 1_000

/**
 * Positions between two elements of an array, and between two fields: more than a phrase can span, so that no phrase
 * begins in one and ends in the next.
 */
export const POSITION_GAP = 512

/** The weights of the fields, or INVALID_ARGUMENT for a declaration that cannot be. */
export function fieldWeights(fields: readonly TextFieldSpec[]): Float64Array {
  if (fields.length === 0 || fields.length > MAX_FIELDS) {
    throw invalidFields(`there must be 1 to ${MAX_FIELDS} fields, and there are ${fields.length}`)
  }
  if (new Set(fields.map((field) => field.path)).size < fields.length) throw invalidFields('a field is named twice')
  return Float64Array.from(fields, ({ path, weight = 1 }) => {
    if (!(weight > 0 && weight <= MAX_WEIGHT)) {
      throw invalidFields(`the weight of '${path}' must be above 0 and at most ${MAX_WEIGHT}, not ${weight}`)
    }
    return weight
  })
}

/** Calls `visit` with each text of a document: its field and its place in the field's array (0 for a string). */
export function eachText(
  texts: readonly FieldText[],
  visit: (text: string, field: number, element: number) => void,
): void {
  for (let field = 0; field < texts.length; field++) {
    const text = texts[field]
    if (typeof text === 'string') visit(text, field, 0)
    else if (text !== undefined) for (let i = 0; i < text.length; i++) visit(text[i]!, field, i)
  }
}

function invalidFields(reason: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `The text index cannot be declared: ${reason}.`, { argument: 'fields' })
}
