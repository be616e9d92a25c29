/**
 * One memory budget for everything that can be thrown away and read back. Each cache registers as a client; when the
 * sum passes the limit, `trim` asks the clients in the order they were registered to give bytes back.
 *
 * Nothing is evicted inside a read: a reader may hold a frame number or a view while it touches the next page. The
 * engine calls `trim` at safe points only, where nobody holds one (start of an operation, between batches of a scan).
 */
export interface BudgetClient {
  readonly name: string
  /** Bytes held now. */
  usedBytes(): number
  /** Gives back up to `bytes`; returns what it freed. Must not touch what cannot be read back. */
  shrink(bytes: number): number
}

export class Budget {
  readonly limitBytes: number
  readonly #clients: BudgetClient[] = []

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  /** Adds a client; the first registered is the first asked to shrink. */
  register(client: BudgetClient): void {
    this.#clients.push(client)
  }

  usedBytes(): number {
    let sum = 0
    for (const client of this.#clients) sum += client.usedBytes()
    return sum
  }

  /** Gives memory back until the sum is below the limit or nobody has more to give. Only at safe points. */
  trim(): void {
    let excess = this.usedBytes() - this.limitBytes
    for (const client of this.#clients) {
      if (excess <= 0) return
      excess -= client.shrink(excess)
    }
  }
}
