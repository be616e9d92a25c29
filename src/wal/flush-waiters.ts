import type { Lsn } from '../base/ids.ts'

interface Waiter {
  readonly lsn: Lsn
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Who waits for a position to be durable. */
export class FlushWaiters {
  #waiters: Waiter[] = []

  wait(lsn: Lsn): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ lsn, resolve, reject })
    })
  }

  /** Resolves those whose position is durable. */
  reached(durable: Lsn): void {
    if (this.#waiters.length === 0) return
    const reached = this.#waiters.filter((waiter) => waiter.lsn <= durable)
    this.#waiters = this.#waiters.filter((waiter) => waiter.lsn > durable)
    for (const waiter of reached) waiter.resolve()
  }

  refuse(error: Error): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error)
  }
}
