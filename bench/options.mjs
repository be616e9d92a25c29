/** The command line: `engine|micro|profile [--records n] [--quick] [--only row,row] [--peers a,b] [--seed n] [--dir path]`. */
import { parseArgs } from 'node:util'

export const PEERS = ['better-sqlite3', 'lmdb', 'classic-level']

export function optionsOf(args) {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      records: { type: 'string', default: '100000' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      peers: { type: 'string' },
      seed: { type: 'string', default: '1' },
      dir: { type: 'string' },
    },
  })
  const quick = values.quick
  const peers = values.peers?.split(',') ?? PEERS
  const unknown = peers.find((peer) => !PEERS.includes(peer))
  if (unknown !== undefined) throw new Error(`no peer '${unknown}'; there are ${PEERS.join(', ')}`)
  return {
    suite: positionals[0] ?? 'engine',
    records: whole('records', quick ? '20000' : values.records),
    quick,
    rounds: quick ? 3 : 5,
    only: values.only?.split(','),
    peers,
    seed: whole('seed', values.seed),
    directory: values.dir,
  }
}

function whole(name, text) {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new Error(`--${name} takes a whole number above 0, found '${text}'`)
}
