/**
 * The distinct values of a coded column, numbered as they came: code 0 is missing, 1 null, the rest from 2. Equality is
 * that of the total order, so -0 is kept as 0 and objects that differ in the order of their fields are one. Codes are
 * only ever added. The order of the values (ranks) is worked out when it is asked for.
 *
 * Strings and bytes are copied, because what a reader gives may be a slice that keeps a whole frame alive.
 */
import type { Value } from '../base/values.ts'
import { compareValues, sortedNames, TYPE_CLASS, type TypeClass, typeClass } from '../codec/order.ts'

/** Integers from 0 below this find their code without hashing. */
const SMALL = 1024

/** What an entry costs beside its text: the value, its place in a list and in a map, the slot that it leads to in a join. */
const ENTRY_BYTES = 52

export class Dictionary {
  readonly #values: (Value | undefined)[] = [undefined, null]
  readonly #small = new Int32Array(SMALL)
  readonly #numbers = new Map<number, number>()
  readonly #dates = new Map<number, number>()
  readonly #strings = new Map<string, number>()
  readonly #others = new Map<string, number>()
  readonly #countsByClass = new Int32Array(TYPE_CLASS.vector + 1)
  #bigints = 0
  #bytes = SMALL * 4
  #order: Uint32Array | undefined
  #ranks: Float64Array | undefined
  #numeric: Float64Array | undefined

  /** Codes given, those of missing and null included: every code is below it. */
  get size(): number {
    return this.#values.length
  }

  /** About. */
  get bytes(): number {
    return this.#bytes
  }

  /** The values by code. */
  get values(): readonly (Value | undefined)[] {
    return this.#values
  }

  /** How many values are of the class. */
  countOf(type: TypeClass): number {
    return this.#countsByClass[type]!
  }

  /** True when every value other than null is of the class. */
  isOnly(type: TypeClass): boolean {
    return this.countOf(type) === this.size - 2
  }

  get bigints(): number {
    return this.#bigints
  }

  /** The code of a value, or of the number or bigint that is equal to it; -1 if there is none. */
  find(value: Value | undefined): number {
    const found = this.#find(value, typeClass(value))
    if (found >= 0) return found
    if (typeof value === 'number') return this.#others.get(structureKey(value)) ?? -1
    const number = typeof value === 'bigint' ? exactNumber(value) : undefined
    return number === undefined ? -1 : (this.#numbers.get(number) ?? -1)
  }

  /** The code of a value, a new one if it had none. */
  codeOf(value: Value | undefined): number {
    if (typeof value === 'number') {
      const small = value | 0
      if (small === value && small >= 0 && small < SMALL) {
        const code = this.#small[small]!
        if (code !== 0) return code
      }
    }
    const type = typeClass(value)
    const found = this.#find(value, type)
    return found >= 0 ? found : this.#add(value!, type)
  }

  /** The codes from 2 in the order of their values. */
  order(): Uint32Array {
    if (this.#order?.length !== this.size - 2) this.#order = orderedCodes(this.#values, this.#order)
    return this.#order
  }

  /** By code, numbers in the order of the values: missing -2, null -1, then 0, 1, … */
  ranks(): Float64Array {
    if (this.#ranks?.length === this.size) return this.#ranks
    const order = this.order()
    const ranks = new Float64Array(this.size)
    ranks[0] = -2
    ranks[1] = -1
    for (let i = 0; i < order.length; i++) ranks[order[i]!] = i
    this.#ranks = ranks
    return ranks
  }

  /** By code, the numbers; NaN for everything else. */
  numeric(): Float64Array {
    if (this.#numeric?.length === this.size) return this.#numeric
    this.#numeric = Float64Array.from(this.#values, (value) => (typeof value === 'number' ? value : Number.NaN))
    return this.#numeric
  }

  #find(value: Value | undefined, type: TypeClass): number {
    switch (type) {
      case TYPE_CLASS.missing:
        return 0
      case TYPE_CLASS.null:
        return 1
      case TYPE_CLASS.string:
        return this.#strings.get(value as string) ?? -1
      case TYPE_CLASS.number:
        // A Map holds -0 as 0 and finds NaN: the equality of the order.
        if (typeof value === 'number') return this.#numbers.get(value) ?? -1
        return this.#others.get(structureKey(value!)) ?? -1
      case TYPE_CLASS.date:
        return this.#dates.get((value as Date).getTime()) ?? -1
      default:
        return this.#others.get(structureKey(value!)) ?? -1
    }
  }

  #add(value: Value, type: TypeClass): number {
    const code = this.size
    const own = ownCopy(value)
    this.#values.push(own)
    this.#countsByClass[type]!++
    this.#bytes += ENTRY_BYTES
    if (typeof own === 'string') {
      this.#strings.set(own, code)
      this.#bytes += own.length
    } else if (typeof own === 'number') {
      this.#numbers.set(own, code)
      if (own >= 0 && own < SMALL && Number.isInteger(own)) this.#small[own] = code
    } else if (own instanceof Date) {
      this.#dates.set(own.getTime(), code)
    } else {
      if (typeof own === 'bigint') this.#bigints++
      const key = structureKey(own)
      this.#others.set(key, code)
      this.#bytes += 3 * key.length
    }
    return code
  }
}

/** The order of all values, from that of the first ones: few new ones are put in their places, many are sorted. */
function orderedCodes(values: readonly (Value | undefined)[], before: Uint32Array | undefined): Uint32Array {
  const count = values.length - 2
  const known = before?.length ?? 0
  const order = new Uint32Array(count)
  if (before === undefined || count - known > known >> 4) {
    for (let i = 0; i < count; i++) order[i] = i + 2
    return order.sort((a, b) => compareValues(values[a], values[b]))
  }
  order.set(before)
  for (let have = known; have < count; have++) {
    const code = have + 2
    let low = 0
    let high = have
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareValues(values[order[middle]!], values[code]) < 0) low = middle + 1
      else high = middle
    }
    order.copyWithin(low + 1, low, have)
    order[low] = code
  }
  return order
}

/** A copy that shares no memory with the value, -0 as 0. */
export function ownCopy(value: Value): Value {
  switch (typeof value) {
    case 'string':
      // The sum is flat once it is sliced, and a slice of it keeps only itself alive.
      return ` ${value}`.slice(1)
    case 'number':
      return value + 0
    case 'object':
      if (value === null) return value
      if (value instanceof Date) return new Date(value.getTime())
      if (value instanceof Uint8Array || value instanceof Float32Array || value instanceof Float64Array) {
        return value.slice()
      }
      if (Array.isArray(value)) return value.map(ownCopy)
      return ownObject(value as { readonly [name: string]: Value | undefined })
    default:
      return value
  }
}

function ownObject(object: { readonly [name: string]: Value | undefined }): Value {
  // fromEntries makes own fields, of __proto__ too.
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [name, value === undefined ? undefined : ownCopy(value)]),
  )
}

/** A text that two values share exactly when the total order calls them equal. */
export function structureKey(value: Value): string {
  switch (typeClass(value)) {
    case TYPE_CLASS.number:
      return `n${numberKey(value as number | bigint)};`
    case TYPE_CLASS.string:
      return `s${(value as string).length}:${value as string}`
    case TYPE_CLASS.date:
      return `d${(value as Date).getTime()};`
    case TYPE_CLASS.bytes:
      return `b${(value as Uint8Array).join()};`
    case TYPE_CLASS.vector:
      return `v${Array.from(value as Float32Array, numberKey).join()};`
    case TYPE_CLASS.array:
      return `[${(value as readonly Value[]).map(structureKey).join('')}]`
    case TYPE_CLASS.object: {
      const object = value as { readonly [name: string]: Value | undefined }
      // sortedNames leaves out the fields that are undefined.
      return `{${sortedNames(object)
        .map((name) => structureKey(name) + structureKey(object[name]!))
        .join('')}}`
    }
    default:
      return `${String(value)};`
  }
}

/** Integers in full, so that a number and a bigint of one value are one text. */
function numberKey(value: number | bigint): string {
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value).toString() : String(value)
}

/** The float64 that a bigint is equal to, if there is one. */
export function exactNumber(value: bigint): number | undefined {
  const number = Number(value)
  return Number.isFinite(number) && BigInt(number) === value ? number : undefined
}
