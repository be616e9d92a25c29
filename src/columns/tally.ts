/**
 * What one aggregate knows of the values of one group: the by-value form that everything ends in. Null and missing are
 * skipped. Numbers are summed with the error of each addition kept beside (two-sum, Knuth), so integers within 2^53 are
 * exact and other sums differ little between plans.
 */
import type { Value } from '../base/values.ts'
import { compareValues, TYPE_CLASS, typeClass } from '../codec/order.ts'
import { exactNumber, structureKey } from './dictionary.ts'

export type AggregateKind = 'count' | 'countDistinct' | 'sum' | 'avg' | 'min' | 'max'

export class Tally {
  readonly #kind: AggregateKind
  /** Values that were neither null nor missing; of the kind `count`: rows. */
  #count = 0
  #sum = 0
  #error = 0
  #bigSum = 0n
  #bigCount = 0
  #extreme: Value | undefined
  #distinct: Set<number | string> | undefined
  #distinctOthers: Set<string> | undefined

  constructor(kind: AggregateKind) {
    this.#kind = kind
  }

  /** True when it knows of its values their sum and how many there were. */
  get isOfSums(): boolean {
    return this.#kind === 'sum' || this.#kind === 'avg'
  }

  /** Rows, whatever is in them. */
  addRows(count: number): void {
    this.#count += count
  }

  /** A value, so many times. False for one that cannot be summed. */
  add(value: Value | undefined, times: number): boolean {
    if (this.#kind === 'count') {
      this.#count += times
      return true
    }
    if (value === undefined || value === null) return true
    switch (this.#kind) {
      case 'countDistinct':
        this.#addDistinct(value)
        break
      case 'sum':
      case 'avg':
        if (typeof value === 'number') this.#addProduct(value, times)
        else if (typeof value === 'bigint') {
          this.#bigSum += value * BigInt(times)
          this.#bigCount += times
        } else return false
        break
      case 'min':
      case 'max':
        this.#offer(value)
        break
    }
    this.#count += times
    return true
  }

  /** A sum of so many numbers that was made elsewhere, with the errors of its additions. */
  addSum(sum: number, error: number, count: number): void {
    this.#count += count
    this.#addNumber(sum)
    this.#error += error
  }

  /** What another tally of the same kind knows. */
  merge(other: Tally): void {
    this.#count += other.#count
    this.#addNumber(other.#sum)
    this.#error += other.#error
    this.#bigSum += other.#bigSum
    this.#bigCount += other.#bigCount
    if (other.#extreme !== undefined) this.#offer(other.#extreme)
    if (other.#distinct !== undefined) this.#distinct = new Set([...(this.#distinct ?? []), ...other.#distinct])
    if (other.#distinctOthers === undefined) return
    this.#distinctOthers = new Set([...(this.#distinctOthers ?? []), ...other.#distinctOthers])
  }

  result(): Value {
    switch (this.#kind) {
      case 'count':
        return this.#count
      case 'countDistinct':
        return (this.#distinct?.size ?? 0) + (this.#distinctOthers?.size ?? 0)
      case 'sum':
        return this.#count > 0 && this.#bigCount === this.#count ? this.#bigSum : this.#total()
      case 'avg':
        return this.#count === 0 ? null : this.#total() / this.#count
      case 'min':
      case 'max':
        // -0 is 0 in a column's dictionary, so it is here.
        return typeof this.#extreme === 'number' ? this.#extreme + 0 : (this.#extreme ?? null)
    }
  }

  #offer(value: Value): void {
    const order = this.#extreme === undefined ? 0 : compareValues(value, this.#extreme)
    if (this.#extreme !== undefined && (this.#kind === 'min' ? order >= 0 : order <= 0)) return
    // A vector may be a view into its column.
    this.#extreme = value instanceof Float32Array ? value.slice() : value
  }

  #total(): number {
    // Where the sum left the finite numbers the errors are without meaning.
    const sum = Number.isFinite(this.#sum) ? this.#sum + this.#error : this.#sum
    return this.#bigCount === 0 ? sum : sum + Number(this.#bigSum)
  }

  #addProduct(value: number, times: number): void {
    const product = value * times
    if (!Number.isInteger(value) || Number.isSafeInteger(product)) {
      this.#addNumber(product)
      return
    }
    const exact = BigInt(value) * BigInt(times)
    this.#addNumber(product)
    if (Number.isFinite(product)) this.#addNumber(Number(exact - BigInt(product)))
  }

  #addNumber(value: number): void {
    const sum = this.#sum + value
    const taken = sum - this.#sum
    this.#error += this.#sum - (sum - taken) + (value - taken)
    this.#sum = sum
  }

  #addDistinct(value: Value): void {
    const simple = simpleKey(value)
    if (simple !== undefined) {
      this.#distinct ??= new Set()
      this.#distinct.add(simple)
    } else {
      this.#distinctOthers ??= new Set()
      this.#distinctOthers.add(structureKey(value))
    }
  }
}

/** Numbers, strings, and bigints that are numbers too, as themselves. A Set holds NaN once and -0 as 0. */
function simpleKey(value: Value): number | string | undefined {
  if (typeof value === 'number' || typeof value === 'string') return value
  return typeof value === 'bigint' ? exactNumber(value) : undefined
}

/** True for what sum and avg take, and for what they skip. */
export function isSummable(value: Value | undefined): boolean {
  const type = typeClass(value)
  return type === TYPE_CLASS.number || type === TYPE_CLASS.missing || type === TYPE_CLASS.null
}
