/**
 * The command line: `engine|codec|query|micro|frames|encryption|profile|differential [--records n] [--quick] [--only row,row]
 * [--peers a,b] [--seed n] [--seeds n] [--queries n] [--dir path]`.
 */
import { parseArgs } from 'node:util'
import { CODEC_PEERS } from './codecs/codecs.mjs'

const ENGINE_PEERS = ['better-sqlite3', 'lmdb', 'classic-level']
const QUERY_PEERS = ['better-sqlite3', 'duckdb', 'minisearch', 'flexsearch']

/** What holds where nothing is said: [in full, with --quick]. Rounds of the codec are some milliseconds each. */
const ENGINE = { records: [100_000, 20_000], rounds: [5, 3], seeds: [1, 1], peers: ENGINE_PEERS }
const CODEC = { records: [1000, 200], rounds: [31, 5], seeds: [3, 1], peers: CODEC_PEERS }
const QUERY = { records: [100_000, 10_000], rounds: [9, 3], seeds: [1, 1], peers: QUERY_PEERS }

export function optionsOf(args) {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      records: { type: 'string' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      peers: { type: 'string' },
      seed: { type: 'string', default: '1' },
      seeds: { type: 'string' },
      dir: { type: 'string' },
      queries: { type: 'string', default: '5000' },
    },
  })
  const { quick } = values
  const suite = positionals[0] ?? 'engine'
  const defaults = suite === 'codec' ? CODEC : suite === 'query' ? QUERY : ENGINE
  const usual = (name) => defaults[name][quick ? 1 : 0]
  const peers = values.peers?.split(',') ?? defaults.peers
  const unknown = peers.find((peer) => !defaults.peers.includes(peer))
  if (unknown !== undefined) throw new Error(`no peer '${unknown}'; there are ${defaults.peers.join(', ')}`)
  return {
    suite,
    records: whole('records', values.records ?? usual('records')),
    quick,
    rounds: usual('rounds'),
    only: values.only?.split(','),
    peers,
    seed: whole('seed', values.seed),
    seeds: whole('seeds', values.seeds ?? usual('seeds')),
    directory: values.dir,
    queries: whole('queries', values.queries),
  }
}

function whole(name, text) {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new Error(`--${name} takes a whole number above 0, found '${text}'`)
}
