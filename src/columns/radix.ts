/**
 * A stable order of numbers by digits of 16 bits, the last digit first, in slices. Each digit is a counting sort: count,
 * sum up, scatter. A digit that all numbers share is passed over, so that dates cost three passes and codes one.
 */

const DIGIT_BITS = 16
const DIGITS: number = 1 << DIGIT_BITS
const DIGIT_MASK: number = DIGITS - 1

/** Numbers by item: their low 32 bits, and perhaps the high ones. */
export interface RadixKey {
  readonly low: Uint32Array
  readonly high: Uint32Array | undefined
}

interface Digit {
  readonly words: Uint32Array
  readonly shift: number
}

export class RadixSort {
  readonly #digits: readonly Digit[]
  readonly #count: number
  #from: Uint32Array
  #to: Uint32Array
  readonly #counts: Uint32Array
  #which = 0
  #phase: 'count' | 'scatter' = 'count'
  #at = 0

  /** Of items below `count`; the first key decides. */
  constructor(keys: readonly RadixKey[], count: number) {
    const digits: Digit[] = []
    for (const { low, high } of [...keys].reverse()) {
      for (const words of high === undefined ? [low] : [low, high]) {
        for (const shift of [0, DIGIT_BITS]) if (varies(words, count, shift)) digits.push({ words, shift })
      }
    }
    this.#digits = digits
    this.#count = count
    this.#from = new Uint32Array(count)
    for (let i = 0; i < count; i++) this.#from[i] = i
    this.#to = new Uint32Array(digits.length === 0 ? 0 : count)
    this.#counts = new Uint32Array(digits.length === 0 ? 0 : DIGITS)
  }

  /** Looks at up to about `most` items. True when the order is there. */
  step(most: number): boolean {
    let left = most
    while (this.#which < this.#digits.length) {
      if (left <= 0) return false
      const to = Math.min(this.#count, this.#at + left)
      left -= to - this.#at + 1
      const { words, shift } = this.#digits[this.#which]!
      if (this.#phase === 'count') count(words, shift, this.#at, to, this.#counts)
      else scatter(words, shift, this.#from, this.#at, to, this.#counts, this.#to)
      this.#at = to
      if (to === this.#count) this.#turn()
    }
    return true
  }

  /** The items in order. */
  get order(): Uint32Array {
    return this.#from
  }

  #turn(): void {
    this.#at = 0
    if (this.#phase === 'count') {
      this.#phase = 'scatter'
      sumUp(this.#counts)
      return
    }
    this.#phase = 'count'
    this.#which++
    this.#counts.fill(0)
    const sorted = this.#to
    this.#to = this.#from
    this.#from = sorted
  }
}

function varies(words: Uint32Array, count: number, shift: number): boolean {
  const first = (words[0]! >>> shift) & DIGIT_MASK
  for (let i = 1; i < count; i++) if (((words[i]! >>> shift) & DIGIT_MASK) !== first) return true
  return false
}

function count(words: Uint32Array, shift: number, from: number, to: number, counts: Uint32Array): void {
  for (let i = from; i < to; i++) counts[(words[i]! >>> shift) & DIGIT_MASK]!++
}

/** From how many items have a digit to where the first of them goes. */
function sumUp(counts: Uint32Array): void {
  let sum = 0
  for (let digit = 0; digit < DIGITS; digit++) {
    const own = counts[digit]!
    counts[digit] = sum
    sum += own
  }
}

function scatter(
  words: Uint32Array,
  shift: number,
  order: Uint32Array,
  from: number,
  to: number,
  places: Uint32Array,
  out: Uint32Array,
): void {
  for (let i = from; i < to; i++) {
    const item = order[i]!
    out[places[(words[item]! >>> shift) & DIGIT_MASK]!++] = item
  }
}
