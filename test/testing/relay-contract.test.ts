/** The relay contract on a relay in memory; and relays that break it are found out. */
import { describe, expect, it, test } from 'vitest'
import type { Relay, RelayConnection } from '../../src/base/relay.ts'
import { relayContract } from '../../src/testing/contracts/relay.ts'
import { memoryRelays } from './memory-relay.ts'

relayContract({ describe, test }, 'memory', memoryRelays)

/** The relays with another behaviour at one end. */
function changed(change: (end: RelayConnection) => Partial<RelayConnection>): () => { one: Relay; other: Relay } {
  return () => {
    const { one, other } = memoryRelays()
    const connect = async (options?: { readonly signal?: AbortSignal }): Promise<RelayConnection> => {
      const end = await one.connect(options)
      return {
        peerId: end.peerId,
        send: (frame) => end.send(frame),
        frames: end.frames,
        close: () => end.close(),
        ...change(end),
      }
    }
    return { one: { connect }, other }
  }
}

const BROKEN: readonly (readonly [string, () => { one: Relay; other: Relay }, RegExp])[] = [
  ['has no name for the other end', changed(() => ({ peerId: '' })), /knows the other/],
  [
    'sends a frame twice',
    changed((end) => ({
      send: async (frame) => {
        await end.send(frame)
        await end.send(frame)
      },
    })),
    /arrive whole/,
  ],
  ['cuts frames', changed((end) => ({ send: (frame) => end.send(frame.subarray(0, 500)) })), /arrive whole/],
  [
    'takes everything at once',
    changed((end) => ({ send: async (frame) => void end.send(frame).catch(() => undefined) })),
    /nobody reads/,
  ],
]

it.each(BROKEN)('a relay that %s is found out', async (_what, begin, title) => {
  const failed: string[] = []
  const runs: Promise<void>[] = []
  relayContract(
    {
      describe: (_name, define) => define(),
      test: (name, run) => {
        if (title.test(name)) runs.push(Promise.resolve(run()).catch(() => void failed.push(name)))
      },
    },
    'broken',
    begin,
  )
  await Promise.all(runs)
  expect(failed.join()).toMatch(title)
})
