/** `npm run bench -- [engine|codec|query|micro|profile|frames|encryption|differential]`; options.mjs has the options, README.md the rest. */
import { optionsOf } from './options.mjs'

const SUITES = {
  engine: async (options) => (await import('./engine.mjs')).engine(options),
  codec: async (options) => (await import('./codec.mjs')).codec(options),
  query: async (options) => (await import('./query.mjs')).query(options),
  micro: async (options) => (await import('./micro.mjs')).micro(options),
  frames: async (options) => (await import('./log-frames.mjs')).logFrames(options),
  encryption: async (options) => (await import('./encryption.mjs')).encryption(options),
  differential: async (options) => (await import('./differential.mjs')).differential(options),
  profile: async (options) => (await import('./profile.mjs')).profile(options),
}

const options = optionsOf(process.argv.slice(2))
const suite = SUITES[options.suite]
if (suite === undefined) throw new Error(`no benchmark '${options.suite}'; there are ${Object.keys(SUITES).join(', ')}`)
await suite(options)
