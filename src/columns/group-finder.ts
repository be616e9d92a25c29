/** Which group a row belongs to: dense numbers made of codes, or numbers given as combinations come. */
import { invariant } from '../base/invariant.ts'
import type { Value } from '../base/values.ts'
import { type CodeSource, codeExpression, codeSource, refValue } from './accumulator.ts'
import type { ColumnRef } from './column.ts'
import { Dictionary } from './dictionary.ts'
import type { Bindings } from './generate.ts'

/** The most cells of an array by dense groups: what the L2 cache holds. */
export const MAX_DENSE_CELLS: number = 1 << 18

/** From slots to groups and from groups to keys. */
export interface GroupFinder {
  /** All groups are below it. */
  readonly count: number
  /** The count, when it is known beforehand; else 0. */
  readonly denseCount: number
  find(slots: Uint32Array, groups: Uint32Array, count: number): void
  /** The dense group of slot `i`, as an expression. */
  source(b: Bindings): string
  keysOf(group: number): (Value | undefined)[]
}

/** Dense where the keys allow it. */
export function groupFinder(keys: readonly ColumnRef[]): GroupFinder {
  const sources = keys.map(codeSource)
  const coded = sources.filter((source) => source !== undefined)
  const size = coded.reduce((product, { dictionary }) => product * dictionary.size, 1)
  return coded.length === keys.length && size <= MAX_DENSE_CELLS
    ? new DenseGroups(coded, size)
    : new FoundGroups(keys, sources)
}

class DenseGroups implements GroupFinder {
  readonly denseCount: number
  readonly #sources: readonly CodeSource[]
  /** By key, how far two neighbouring codes are apart. */
  readonly #strides: readonly number[]
  readonly #sizes: readonly number[]

  constructor(sources: readonly CodeSource[], size: number) {
    this.denseCount = size
    this.#sources = sources
    this.#sizes = sources.map(({ dictionary }) => dictionary.size)
    this.#strides = sources.map((_, i) => this.#sizes.slice(i + 1).reduce((product, n) => product * n, 1))
  }

  get count(): number {
    return this.denseCount
  }

  find(slots: Uint32Array, groups: Uint32Array, count: number): void {
    groups.fill(0, 0, count)
    for (const [j, { codes, table }] of this.#sources.entries()) {
      const stride = this.#strides[j]!
      for (let k = 0; k < count; k++) {
        const code = codes[slots[k]!]!
        groups[k]! += stride * (table === undefined ? code : table[code]!)
      }
    }
  }

  source(b: Bindings): string {
    if (this.#sources.length === 0) return '0'
    return this.#sources
      .map((source, j) => {
        const code = codeExpression(source, b)
        return this.#strides[j] === 1 ? code : `${code} * ${b.nameOf(this.#strides[j])}`
      })
      .join(' + ')
  }

  keysOf(group: number): (Value | undefined)[] {
    return this.#sources.map(
      ({ dictionary }, j) => dictionary.values[Math.floor(group / this.#strides[j]!) % this.#sizes[j]!],
    )
  }
}

/** The most combinations of codes that one float64 tells apart. */
const MAX_COMBINED = Number.MAX_SAFE_INTEGER

/** What a key without codes counts as when combinations are numbered: more values than a collection has slots. */
const UNCODED_SIZE = 2 ** 26

/** Groups by a map from combinations of codes. */
class FoundGroups implements GroupFinder {
  readonly denseCount = 0
  readonly #refs: readonly ColumnRef[]
  readonly #sources: readonly (CodeSource | undefined)[]
  /** Of keys without codes: made while rows come. */
  readonly #made: readonly Dictionary[]
  readonly #sizes: readonly number[]
  readonly #isCombined: boolean
  readonly #byNumber = new Map<number, number>()
  readonly #byText = new Map<string, number>()
  /** The codes of the keys, group after group. */
  readonly #codes: number[] = []
  readonly #row: number[]

  constructor(refs: readonly ColumnRef[], sources: readonly (CodeSource | undefined)[]) {
    this.#refs = refs
    this.#sources = sources
    this.#made = refs.map(() => new Dictionary())
    this.#sizes = sources.map((source) => source?.dictionary.size ?? UNCODED_SIZE)
    this.#isCombined = this.#sizes.reduce((product, size) => product * size, 1) <= MAX_COMBINED
    this.#row = refs.map(() => 0)
  }

  get count(): number {
    return this.#byNumber.size + this.#byText.size
  }

  find(slots: Uint32Array, groups: Uint32Array, count: number): void {
    for (let k = 0; k < count; k++) {
      for (let j = 0; j < this.#row.length; j++) this.#row[j] = this.#codeOf(j, slots[k]!)
      groups[k] = this.#isCombined ? this.#groupByNumber() : this.#groupByText()
    }
  }

  source(): string {
    invariant(false, () => 'groups that are not dense have no expression')
  }

  keysOf(group: number): (Value | undefined)[] {
    return this.#refs.map((_, j) => {
      const code = this.#codes[group * this.#refs.length + j]!
      return (this.#sources[j]?.dictionary ?? this.#made[j]!).values[code]
    })
  }

  #codeOf(j: number, slot: number): number {
    const source = this.#sources[j]
    if (source === undefined) return this.#made[j]!.codeOf(refValue(this.#refs[j]!, slot))
    const code = source.codes[slot]!
    return source.table === undefined ? code : source.table[code]!
  }

  #groupByNumber(): number {
    let number = 0
    for (let j = 0; j < this.#row.length; j++) number = number * this.#sizes[j]! + this.#row[j]!
    const known = this.#byNumber.get(number)
    if (known !== undefined) return known
    const group = this.#byNumber.size
    this.#byNumber.set(number, group)
    this.#codes.push(...this.#row)
    return group
  }

  #groupByText(): number {
    const text = this.#row.join()
    const known = this.#byText.get(text)
    if (known !== undefined) return known
    const group = this.#byText.size
    this.#byText.set(text, group)
    this.#codes.push(...this.#row)
    return group
  }
}
