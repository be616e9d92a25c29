/**
 * The encode and decode loops under the sampling profiler of V8, after they are warm. They get warm under a profiler, too,
 * whose profile is thrown away: the compiler notes where inlined functions come from only while one is running.
 */
import { Session } from 'node:inspector/promises'
import { touch } from './rounds.mjs'

const SAMPLING_INTERVAL_US = 100
const WARM_UP_MS = 250

/** Profiles in the format of Chrome DevTools, `{ encode, decode }`, each of half of `budgetMs` in its loop. */
export async function profileLoops({ Codec }, records, budgetMs) {
  const codec = new Codec()
  const encoded = records.map((record) => codec.encode(record))
  const loops = {
    encode: () => {
      for (const record of records) codec.encode(record)
    },
    decode: () => {
      for (const bytes of encoded) touch(codec.decode(bytes))
    },
  }
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_US })
    const profiles = {}
    for (const [name, loop] of Object.entries(loops)) {
      await profileOf(session, loop, WARM_UP_MS)
      profiles[name] = await profileOf(session, loop, budgetMs / 2)
    }
    return profiles
  } finally {
    session.disconnect()
  }
}

async function profileOf(session, loop, ms) {
  await session.post('Profiler.start')
  for (const end = performance.now() + ms; performance.now() < end; ) loop()
  const { profile } = await session.post('Profiler.stop')
  return profile
}
