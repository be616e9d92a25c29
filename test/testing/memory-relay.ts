/** Two relays in memory, joined: what the relay contract is tested with. */
import type { Relay, RelayConnection } from '../../src/base/relay.ts'

/** Frames that may wait for their reader. */
const MOST_WAITING = 16

/** Frames on their way to one end. */
class Lane {
  readonly #frames: Uint8Array[] = []
  #ended = false
  #wake: (() => void)[] = []

  async put(frame: Uint8Array): Promise<void> {
    while (!this.#ended && this.#frames.length >= MOST_WAITING) await this.#change()
    if (this.#ended) throw new Error('the connection has ended')
    this.#frames.push(frame.slice())
    this.#changed()
  }

  async *take(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const frame = this.#frames.shift()
      if (frame !== undefined) {
        this.#changed()
        yield frame
      } else if (this.#ended) return
      else await this.#change()
    }
  }

  end(): void {
    this.#ended = true
    this.#changed()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve))
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

/** A pair of relays: a connection begins when both have asked for one. */
export function memoryRelays(): { one: Relay; other: Relay } {
  let waiting: { readonly side: number; readonly meet: (end: RelayConnection) => void } | undefined
  const relay = (side: number): Relay => ({
    async connect({ signal } = {}) {
      signal?.throwIfAborted()
      const met = waiting
      if (met !== undefined && met.side !== side) {
        waiting = undefined
        const [mine, theirs] = ends(side)
        met.meet(theirs)
        signal?.addEventListener('abort', () => void mine.close(), { once: true })
        return mine
      }
      const end = await new Promise<RelayConnection>((resolve) => {
        waiting = { side, meet: resolve }
      })
      signal?.addEventListener('abort', () => void end.close(), { once: true })
      return end
    },
  })
  return { one: relay(1), other: relay(2) }
}

function ends(side: number): [RelayConnection, RelayConnection] {
  const [there, back] = [new Lane(), new Lane()]
  const close = async (): Promise<void> => {
    there.end()
    back.end()
  }
  const name = (number: number) => `side ${number}`
  return [
    { peerId: name(3 - side), send: (frame) => there.put(frame), frames: back.take(), close },
    { peerId: name(side), send: (frame) => back.put(frame), frames: there.take(), close },
  ]
}
