/** Draws for generators that are plain functions of a source of numbers. */

export interface Draw {
  /** An integer in [0, count). */
  below(count: number): number
}

export function isLikely(draw: Draw, percent: number): boolean {
  return draw.below(100) < percent
}

export function pick<T>(draw: Draw, list: readonly T[]): T {
  return list[draw.below(list.length)]!
}

/** One of the list, each as often as its weight says. */
export function pickWeighted<T>(draw: Draw, list: readonly (readonly [weight: number, value: T])[]): T {
  let at = draw.below(list.reduce((sum, [weight]) => sum + weight, 0))
  for (const [weight, value] of list) {
    if (at < weight) return value
    at -= weight
  }
  throw new Error('nothing in the list has a weight')
}

/** `least` to `most` of what `make` makes. */
export function several<T>(draw: Draw, least: number, most: number, make: (index: number) => T): T[] {
  return Array.from({ length: least + draw.below(most - least + 1) }, (_, i) => make(i))
}

/** At least one of the list, in any order, at most so many. */
export function someOf<T>(draw: Draw, list: readonly T[], most: number): T[] {
  const left = [...list]
  return several(draw, 1, Math.min(most, list.length), () => left.splice(draw.below(left.length), 1)[0]!)
}
