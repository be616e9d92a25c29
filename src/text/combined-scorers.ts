/** Scorers of several parts of a query: any of them, or all of them and none of others. */
import { END } from './posting-cursor.ts'
import { excludeThrough, intersectThrough, type Scorer } from './scorer.ts'

export class OrScorer implements Scorer {
  readonly cost: number
  readonly #of: readonly Scorer[]
  readonly #buffer: Float64Array

  constructor(of: readonly Scorer[], buffer: Float64Array) {
    this.#of = of
    this.#buffer = buffer
    this.cost = of.reduce((sum, scorer) => sum + scorer.cost, 0)
  }

  next(from: number): number {
    let first = END
    for (const scorer of this.#of) {
      const next = scorer.next(from)
      if (next < first) first = next
    }
    return first
  }

  bound(start: number, end: number): number {
    let sum = 0
    for (const scorer of this.#of) sum += scorer.bound(start, end)
    return sum
  }

  add(start: number, end: number, into: Float64Array): number {
    let found = 0
    for (const scorer of this.#of) found += scorer.add(start, end, into)
    return found
  }

  intersect(start: number, end: number, from: Float64Array, into: Float64Array): number {
    return intersectThrough(this, this.#buffer, start, end, from, into)
  }

  exclude(start: number, end: number, into: Float64Array): void {
    excludeThrough(this, this.#buffer, start, end, into)
  }
}

export class AndScorer implements Scorer {
  readonly cost: number
  /** From the rarest: what the first does not find, the others do not look for. */
  readonly #of: readonly Scorer[]
  readonly #none: readonly Scorer[]
  readonly #here: Float64Array
  readonly #there: Float64Array
  readonly #buffer: Float64Array

  /** Takes three buffers of its own. */
  constructor(of: readonly Scorer[], none: readonly Scorer[], takeBuffer: () => Float64Array) {
    this.#of = of.toSorted((a, b) => a.cost - b.cost)
    this.#none = none
    this.#here = takeBuffer()
    this.#there = takeBuffer()
    this.#buffer = takeBuffer()
    this.cost = this.#of[0]!.cost
  }

  /** The next document that all of its parts take for possible. */
  next(from: number): number {
    let ordinal = from
    for (let i = 0; i < this.#of.length; ) {
      const found = this.#of[i]!.next(ordinal)
      if (found === END) return END
      i = found === ordinal || i === 0 ? i + 1 : 0
      ordinal = found
    }
    return ordinal
  }

  bound(start: number, end: number): number {
    let sum = 0
    for (const scorer of this.#of) sum += scorer.bound(start, end)
    return sum
  }

  add(start: number, end: number, into: Float64Array): number {
    const size = end - start
    let from = this.#here
    let found = this.#of[0]!.add(start, end, from)
    for (let i = 1; i < this.#of.length && found > 0; i++) {
      const isLast = i === this.#of.length - 1 && this.#none.length === 0
      const to = isLast ? into : from === this.#here ? this.#there : this.#here
      found = this.#of[i]!.intersect(start, end, from, to)
      from.fill(0, 0, size)
      if (isLast) return found
      from = to
    }
    if (found === 0) return 0
    for (const scorer of this.#none) scorer.exclude(start, end, from)
    return moveScores(from, into, size)
  }

  intersect(start: number, end: number, from: Float64Array, into: Float64Array): number {
    return intersectThrough(this, this.#buffer, start, end, from, into)
  }

  exclude(start: number, end: number, into: Float64Array): void {
    excludeThrough(this, this.#buffer, start, end, into)
  }
}

/** Adds the scores of `from` to `into` and clears them; gives how many there were. */
function moveScores(from: Float64Array, into: Float64Array, size: number): number {
  let found = 0
  for (let i = 0; i < size; i++) {
    const score = from[i]!
    if (score === 0) continue
    into[i]! += score
    from[i] = 0
    found++
  }
  return found
}
