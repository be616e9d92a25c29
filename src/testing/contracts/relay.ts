/** What every relay keeps: frames whole and in order, backpressure, ends that both sides see. */
import type { Relay, RelayConnection } from '../../base/relay.ts'
import { systemClock } from '../../platform/clock.ts'
import {
  type ContractCase,
  ContractError,
  defineContract,
  type Ending,
  equal,
  rejection,
  type TestRunner,
} from './contract.ts'

/** Two relays of which each `connect()` at one meets a `connect()` at the other. */
export interface RelaySubject extends Ending {
  readonly one: Relay
  readonly other: Relay
}

/** The size of frames that sync sends at most. */
const LARGE_FRAME = 0x10000
/** A relay that takes more than this from a sender whom nobody reads has no backpressure. */
const MOST_UNREAD_BYTES = 0x4000000
/** A send that has not resolved after so many turns of the event loop waits for the reader. */
const WAITING_TURNS = 200

/**
 * Tests a relay with any runner. It takes frames of 64 KB, and up to 64 MiB of memory while nobody reads.
 * @example
 * relayContract({ describe, test }, 'mine', () => ({ one: myRelay('a', 'b'), other: myRelay('b', 'a') }))
 */
export function relayContract(
  runner: TestRunner,
  name: string,
  begin: () => RelaySubject | Promise<RelaySubject>,
): void {
  defineContract(runner, `the relay contract: ${name}`, { cases: CASES, begin })
}

const CASES: readonly ContractCase<RelaySubject>[] = [
  {
    title: 'each end knows the other by a name',
    run: async (subject) => {
      const [a, b] = await connected(subject)
      for (const { peerId } of [a, b]) equal(typeof peerId === 'string' && peerId.length > 0, true, 'a name')
      await a.close()
    },
  },
  {
    title: 'frames of any size arrive whole, in order, each once, both ways at once',
    run: async (subject) => {
      const [a, b] = await connected(subject)
      const sizes = [1, 2, 1000, LARGE_FRAME, 1, 12_345]
      const sending = [a, b].map(async (end) => {
        for (const [at, size] of sizes.entries()) await end.send(frameOf(at, size))
      })
      for (const end of [b, a]) {
        const found = await taken(end.frames, sizes.length)
        for (const [at, size] of sizes.entries()) equal(found[at], frameOf(at, size), `frame ${at}`)
      }
      await Promise.all(sending)
      await a.close()
    },
  },
  {
    title: 'bytes are the caller’s again when a send has resolved, and what arrives is the receiver’s own',
    run: async (subject) => {
      const [a, b] = await connected(subject)
      const frame = frameOf(1, 100)
      await a.send(frame)
      frame.fill(0)
      const [found] = await taken(b.frames, 1)
      equal(found, frameOf(1, 100))
      found?.fill(9)
      equal(
        frame.every((byte) => byte === 0),
        true,
        'the sender’s bytes stay as they are',
      )
      await a.close()
    },
  },
  {
    title: 'a sender whom nobody reads waits, and goes on when he is read; nothing is lost',
    run: async (subject) => {
      const [a, b] = await connected(subject)
      const most = MOST_UNREAD_BYTES / LARGE_FRAME
      let sent = 0
      let waiting: Promise<void> | undefined
      for (; waiting === undefined; sent++) {
        if (sent > most) throw new ContractError(`${sent} frames of 64 KB were taken, and nobody read`)
        const sending = a.send(frameOf(sent, LARGE_FRAME))
        if (!(await isQuick(sending))) waiting = sending
      }
      const found = await taken(b.frames, sent)
      await waiting
      for (const [at, frame] of found.entries()) equal(frame[0], at % 251, `frame ${at}`)
      await a.close()
    },
  },
  {
    title: 'what was sent before a close arrives; then the frames of both ends are over, and sends are refused',
    run: async (subject) => {
      const [a, b] = await connected(subject)
      await a.send(frameOf(1, 10))
      await a.close()
      equal((await all(b.frames)).length, 1)
      equal((await all(a.frames)).length, 0)
      for (const end of [a, b]) await rejection(end.send(frameOf(2, 10)))
      await a.close()
      await b.close()
    },
  },
  {
    title: 'a signal that is aborted refuses to connect, and later ends the connection for both',
    run: async (subject) => {
      const reason = new Error('enough')
      equal(await rejection(subject.one.connect({ signal: AbortSignal.abort(reason) })), reason)
      const control = new AbortController()
      const [a, b] = await connected(subject, control.signal)
      control.abort(reason)
      equal((await all(b.frames)).length, 0)
      await rejection(a.send(frameOf(1, 1)))
      await b.close()
    },
  },
  {
    title: 'a connection that has ended is followed by another, which has nothing of it',
    run: async (subject) => {
      const [a, b] = await connected(subject)
      await a.send(frameOf(1, 10))
      await b.close()
      const [c, d] = await connected(subject)
      await c.send(frameOf(2, 20))
      equal((await taken(d.frames, 1))[0], frameOf(2, 20))
      await c.close()
    },
  },
]

async function connected(
  { one, other }: RelaySubject,
  signal?: AbortSignal,
): Promise<[RelayConnection, RelayConnection]> {
  const options = signal === undefined ? {} : { signal }
  return Promise.all([one.connect(options), other.connect()])
}

function frameOf(number: number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => (number + at) % 251)
}

/** The first `count` frames. The iteration is not ended by it. */
async function taken(frames: AsyncIterable<Uint8Array>, count: number): Promise<Uint8Array[]> {
  const iterator = frames[Symbol.asyncIterator]()
  const found: Uint8Array[] = []
  while (found.length < count) {
    const step = await iterator.next()
    if (step.done === true) throw new ContractError(`${found.length} frames arrived of ${count}`)
    found.push(step.value)
  }
  return found
}

async function all(frames: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const found: Uint8Array[] = []
  for await (const frame of frames) found.push(frame)
  return found
}

/** True when a promise settles within the next turns of the event loop. */
async function isQuick(promise: Promise<void>): Promise<boolean> {
  let settled = false
  const settle = (): void => {
    settled = true
  }
  promise.then(settle, settle)
  const { yield: nextTurn } = systemClock()
  for (let turn = 0; turn < WAITING_TURNS && !settled; turn++) await nextTurn()
  return settled
}
