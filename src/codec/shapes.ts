/**
 * The table of definitions that records are written with: shapes (the ordered names of an object's fields, with or
 * without types) and dictionaries. It stands beside the bytes, which name its entries by number.
 *
 *   record {title, votes}      table                              bytes
 *   record {title, votes}  →   shape 0: title votes               1 "…" 7 · 1 "…" 9 · 2 …
 *   record {title}             shape 1: title
 *   …32 of {title, votes}      shape 2: shape 0 as TEXT SMALL     3 cells
 *
 * The table only grows, and its definitions travel beside the records: whoever writes a record first makes everything
 * durable that its bytes name.
 *
 *   definition := 0x00 varint n, name{n}                       a shape by names
 *              |  0x01 varint shape, type{names of the shape}  the same names with types (field-type.ts)
 *              |  0x02 varint dictionary, varint n, name{n}    strings at the end of a dictionary
 *   name       := varint (2 × units + (1 if wide)), units
 *   type       := byte, parameter byte or varint as the type has it
 *
 * Which key sets become shapes: while fewer than EAGER_SHAPES exist, each at first sight; after that those that were
 * seen PROMOTE_AFTER times among the last SIGHTINGS objects without a shape; at MAX_SHAPES none. Sparse records thus cost
 * at most EAGER_SHAPES definitions that are of little use, and a type that matters still gets its shape. Names of records
 * without a shape are kept in dictionary 0. A shape gets types (learn.ts) when it is written often enough among others:
 * code for a thousand rare shapes would be slower than none.
 *
 * Invariants: numbers of shapes and of dictionaries are dense from 0 in order of definition; names in a shape differ; a
 * definition never changes.
 */
import { equalBytes } from '../base/bytes.ts'
import { BlazeError } from '../base/errors.ts'
import { invariant } from '../base/invariant.ts'
import {
  DefinitionReader,
  formatChoices,
  formatNames,
  formatTypes,
  KIND_CHOICES,
  KIND_NAMES,
  KIND_TYPES,
} from './definition.ts'
import { type Dictionary, extend, MAX_CANDIDATES, newDictionary, seenOften } from './dictionary.ts'
import { CHOICE, CHOICES, type FieldType, KEY, type Layout, layoutOf, MAX_CHOICES } from './field-type.ts'
import { MAX_DEFINITIONS, MAX_NAMES, MAX_SHAPE_KEYS, MAX_SHAPE_NAME, MAX_SHAPES } from './format.ts'
import { LEARN_COUNT, Learner, MAX_GENERATIONS } from './learn.ts'

/** The dictionary of the names of records without a shape. */
export const NAMES = 0
/** Shapes made at first sight. */
export const EAGER_SHAPES = 16
/** Sightings after which a key set gets a shape once the eager ones are used up. */
export const PROMOTE_AFTER = 4
/** Objects without a shape after which their key sets are counted anew. */
const SIGHTINGS = 256
/** Counters of key sets, by hash. */
const COUNTERS = 1024
/** A shape gets types when at least one in so many untyped objects has it. */
const RARE_SHARE = 48
/** Definitions up to which strings are taken into dictionaries: each is a definition of its own. */
const MAX_OFFERED = 2048

/** One shape. */
export interface Shape {
  readonly id: number
  readonly names: readonly string[]
  /** Where the record's key stands among the names, or -1. */
  readonly idIndex: number
  /** The shape of the same names without types; itself when it has none. */
  readonly base: Shape
  /** Where the cells of its fields lie, when they have types. */
  readonly layout: Layout | undefined
  /** By field: the shape last written there, tried first the next time. A hint, never a truth. */
  readonly hints: (Shape | undefined)[]
  /** Its typed form for nested objects and records that hold their key. */
  typed: Shape | undefined
  /** Its typed form for records whose key takes no bytes. */
  typedKeyed: Shape | undefined
  learner: Learner | undefined
  learnerKeyed: Learner | undefined
  /** How often it was given types. */
  generations: number
  /** By field: the dictionary of its strings; -1 before there is one. */
  readonly dictionaries: Int32Array
}

interface Branch {
  readonly next: Map<string, Branch>
  shape: Shape | undefined
}

/** An append-only table of shapes and dictionaries. */
export class ShapeTable {
  readonly #definitions: Uint8Array[] = []
  readonly #shapes: Shape[] = []
  readonly #dictionaries: Dictionary[] = [newDictionary(NAMES, MAX_NAMES, MAX_NAMES)]
  readonly #root: Branch = { next: new Map(), shape: undefined }
  readonly #counters = new Uint32Array(COUNTERS)
  #sightings = 0
  /** Objects that were written without types. */
  #untyped = 0
  readonly #eagerCount: number

  /** `eagerCount`: how many key sets become shapes at first sight. */
  constructor(eagerCount: number = EAGER_SHAPES) {
    this.#eagerCount = eagerCount
  }

  /** Definitions so far; the next one gets this number. */
  get count(): number {
    return this.#definitions.length
  }

  /** Shapes so far. */
  get shapeCount(): number {
    return this.#shapes.length
  }

  /** The shape of a number, or undefined when there is none. */
  get(id: number): Shape | undefined {
    return this.#shapes[id]
  }

  /** A dictionary that exists. Number 0: names of records without a shape. */
  dictionary(number: number): Dictionary {
    const dictionary = this.#dictionaries[number]
    invariant(dictionary !== undefined, () => `dictionary ${number} of ${this.#dictionaries.length}`)
    return dictionary
  }

  /** The bytes of a definition: the table's own, not to be changed. */
  definition(number: number): Uint8Array {
    const definition = this.#definitions[number]
    invariant(definition !== undefined, () => `definition ${number} of ${this.count}`)
    return definition
  }

  /** Takes a definition over. In order of number; the same one again is fine. Anything else is CODEC. */
  define(number: number, definition: Uint8Array): void {
    const known = this.#definitions[number]
    if (known !== undefined) {
      if (!equalBytes(known, definition)) throw damaged(0, `definition ${number} is already another one`)
      return
    }
    if (number !== this.count) throw damaged(0, `definition ${number} after ${this.count}`)
    if (this.count >= MAX_DEFINITIONS) throw damaged(0, `more than ${MAX_DEFINITIONS} definitions`)
    const reader = new DefinitionReader(definition)
    if (reader.kind === KIND_NAMES) this.#takeNames(reader, definition)
    else if (reader.kind === KIND_TYPES) this.#takeTypes(reader, definition)
    else if (reader.kind === KIND_CHOICES) this.#takeChoices(reader, definition)
    else throw damaged(0, 'not a definition that this version knows')
  }

  /** The shape of exactly these names in this order; made when the rule above says so, else undefined. */
  shapeOf(names: readonly string[]): Shape | undefined {
    let branch: Branch | undefined = this.#root
    for (let i = 0; i < names.length && branch !== undefined; i++) branch = branch.next.get(names[i]!)
    return branch?.shape ?? this.#promote(names)
  }

  /** The number of a string in a dictionary, which takes it in when it comes often; -1 when it is not there. */
  offer(dictionary: Dictionary, text: string): number {
    if (this.count >= MAX_OFFERED || !seenOften(dictionary, text)) return -1
    extend(dictionary, [text])
    this.#definitions.push(formatChoices(dictionary.number, [text]))
    return dictionary.strings.length - 1
  }

  /** Looks at the values of a record that was written without types; gives its shape types when it has seen enough. */
  learn(shape: Shape, keyed: boolean, values: readonly unknown[]): void {
    this.#untyped++
    const learner = keyed ? shape.learnerKeyed : shape.learner
    if (learner === undefined || !learner.observe(values, this.#untyped)) return
    const isRare = this.#untyped - learner.began > LEARN_COUNT * RARE_SHARE
    const next = isRare ? new Learner(shape.names.length) : undefined
    if (keyed) shape.learnerKeyed = next
    else shape.learner = next
    if (isRare) return
    const before = (keyed ? shape.typedKeyed : shape.typed)?.layout
    const types = learner.decide(
      keyed ? shape.idIndex : -1,
      (i, strings) => this.#dictionaryOf(shape, i, strings),
      before,
    )
    if (types !== undefined && !this.#isFull() && this.shapeCount < MAX_SHAPES)
      this.#addTyped(shape, types, keyed, formatTypes(shape.id, types))
  }

  /** Has the records of a shape looked at again, because its types did not fit one. */
  relearn(shape: Shape, keyed: boolean): void {
    if (shape.generations >= MAX_GENERATIONS) return
    if (keyed) shape.learnerKeyed ??= new Learner(shape.names.length)
    else shape.learner ??= new Learner(shape.names.length)
  }

  /** The dictionary of a field's strings; -1 when there is no room for one. */
  #dictionaryOf(shape: Shape, index: number, strings: ReadonlySet<string>): number {
    const known = shape.dictionaries[index]!
    if (known >= 0 || this.#isFull()) return known
    const dictionary = newDictionary(this.#dictionaries.length, MAX_CHOICES, MAX_CANDIDATES)
    this.#dictionaries.push(dictionary)
    extend(dictionary, [...strings])
    this.#definitions.push(formatChoices(dictionary.number, dictionary.strings))
    return dictionary.number
  }

  #isFull(): boolean {
    return this.count >= MAX_DEFINITIONS
  }

  #takeNames(reader: DefinitionReader, definition: Uint8Array): void {
    if (this.shapeCount >= MAX_SHAPES) throw damaged(0, `more than ${MAX_SHAPES} shapes`)
    this.#add(reader.strings(MAX_SHAPE_KEYS, MAX_SHAPE_NAME), new Uint8Array(definition))
  }

  #takeTypes(reader: DefinitionReader, definition: Uint8Array): void {
    if (this.shapeCount >= MAX_SHAPES) throw damaged(0, `more than ${MAX_SHAPES} shapes`)
    const base = this.#shapes[reader.varint()]
    if (base === undefined || base.layout !== undefined) throw damaged(reader.at, 'types of no shape')
    const types = reader.types(base.names.length)
    for (const [i, type] of types.entries()) {
      if (type.type === KEY && i !== base.idIndex) throw damaged(reader.at, 'a key that is not the id')
      const named = type.type === CHOICE || type.type === CHOICES ? type.dictionary : undefined
      if (named !== undefined && (named === NAMES || named >= this.#dictionaries.length))
        throw damaged(reader.at, 'a dictionary that is not defined')
    }
    const keyed = types.some(({ type }) => type === KEY)
    this.#addTyped(base, types, keyed, new Uint8Array(definition))
  }

  #takeChoices(reader: DefinitionReader, definition: Uint8Array): void {
    const number = reader.varint()
    if (number > this.#dictionaries.length) throw damaged(reader.at, 'a dictionary out of order')
    const dictionary = this.#dictionaries[number] ?? newDictionary(number, MAX_CHOICES, MAX_CANDIDATES)
    const strings = reader.strings(dictionary.capacity - dictionary.strings.length, MAX_SHAPE_NAME)
    if (strings.some((text) => dictionary.numbers.has(text))) throw damaged(reader.at, 'a string twice')
    this.#dictionaries[number] = dictionary
    extend(dictionary, strings)
    this.#definitions.push(new Uint8Array(definition))
  }

  #promote(names: readonly string[]): Shape | undefined {
    if (this.#isFull() || this.shapeCount >= MAX_SHAPES || names.length > MAX_SHAPE_KEYS) return undefined
    if (names.some((name) => name.length > MAX_SHAPE_NAME)) return undefined
    if (this.shapeCount >= this.#eagerCount && !this.#seenOften(names)) return undefined
    return this.#add(names, formatNames(names))
  }

  #seenOften(names: readonly string[]): boolean {
    if (++this.#sightings % SIGHTINGS === 0) this.#counters.fill(0)
    const hash = hashOf(names)
    const counter = hash % COUNTERS
    // The low byte counts sightings of the key set that the rest stands for; another one takes its place.
    const seen = this.#counters[counter]!
    const count = (seen ^ hash) >>> 8 === 0 ? (seen & 0xff) + 1 : 1
    this.#counters[counter] = ((hash >>> 8) << 8) | count
    return count >= PROMOTE_AFTER
  }

  #add(given: readonly string[], definition: Uint8Array): Shape {
    const names = given.map(internalise)
    const shape = newShape(this.shapeCount, names, undefined, undefined)
    this.#shapes.push(shape)
    this.#definitions.push(definition)
    let branch = this.#root
    for (const name of names) {
      let next = branch.next.get(name)
      if (next === undefined) {
        next = { next: new Map(), shape: undefined }
        branch.next.set(name, next)
      }
      branch = next
    }
    branch.shape ??= shape
    return shape
  }

  #addTyped(base: Shape, types: readonly FieldType[], keyed: boolean, definition: Uint8Array): Shape {
    const shape = newShape(this.shapeCount, base.names, base, layoutOf(base.names, types))
    types.forEach((type, i) => {
      if (type.type === CHOICE || type.type === CHOICES) base.dictionaries[i] = type.dictionary
    })
    this.#shapes.push(shape)
    this.#definitions.push(definition)
    base.generations++
    if (keyed) {
      base.typedKeyed = shape
      base.learnerKeyed = undefined
    } else {
      base.typed = shape
      base.learner = undefined
    }
    return shape
  }
}

function newShape(id: number, names: readonly string[], base: Shape | undefined, layout: Layout | undefined): Shape {
  const idIndex = names.indexOf('id')
  const shape: Omit<Shape, 'base'> & { base: Shape | undefined } = {
    id,
    names,
    idIndex,
    base,
    layout,
    hints: names.map(() => undefined),
    typed: undefined,
    typedKeyed: undefined,
    learner: base === undefined ? new Learner(names.length) : undefined,
    learnerKeyed: base === undefined && idIndex >= 0 ? new Learner(names.length) : undefined,
    generations: 0,
    dictionaries: new Int32Array(base === undefined ? names.length : 0).fill(-1),
  }
  shape.base ??= shape as Shape
  // Its base is set by the line above.
  return shape as Shape
}

/** A number of a list of names, from some of their units: two lists that share one are only promoted early. */
function hashOf(names: readonly string[]): number {
  let hash = names.length
  for (const name of names) {
    const size = name.length
    hash = Math.imul(hash ^ size, 0x01000193) ^ name.charCodeAt(size >>> 1)
    hash = Math.imul(hash, 0x01000193) ^ (name.charCodeAt(size - 1) | (name.charCodeAt(size - 2) << 16))
  }
  return Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 0
}

/** The engine's own copy of a name: names of objects are compared with it by address first. */
function internalise(name: string): string {
  return Object.keys({ [name]: 0 })[0]!
}

function damaged(offset: number, found: string): BlazeError<'CODEC'> {
  return new BlazeError('CODEC', `A definition is damaged at byte ${offset}: ${found}.`, { offset })
}
