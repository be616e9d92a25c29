/**
 * Things that come and go often, each in at most one bag, in no order. Each knows its place, and the last one takes the
 * place of the one that goes: nothing is allocated. A Set of short-lived things copies itself every few of them, and its
 * old copies in the old generation keep what they held alive: a third of a small transaction's time was spent on that.
 */

/** What can be in a bag. Only the bag sets its place. */
export interface Bagged {
  bagIndex: number
}

/** The place of what is in no bag. */
export const UNBAGGED = -1

export class Bag<T extends Bagged> implements Iterable<T> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  add(item: T): void {
    item.bagIndex = this.#items.push(item) - 1
  }

  /** False when it is not in the bag. */
  delete(item: T): boolean {
    const at = item.bagIndex
    if (this.#items[at] !== item) return false
    const last = this.#items.pop()!
    if (last !== item) {
      this.#items[at] = last
      last.bagIndex = at
    }
    item.bagIndex = UNBAGGED
    return true
  }

  /** Copy it before taking anything out. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#items.values()
  }
}
