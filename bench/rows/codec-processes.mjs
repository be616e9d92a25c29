/** What needs a process of its own for each codec: its first records, and the memory that decoded records keep. */
import { runTask } from '../measure/children.mjs'
import { interleaved } from '../measure/interleaved.mjs'
import { BASELINE } from './codec-modes.mjs'

const DATA_SET = 'bugs'
const COUNTS = [1, 10, 100]
const KEPT = 10_000

/** From nothing to the first records encoded and decoded: making the codec, compiling, learning shapes. */
export async function cold(session) {
  const { options } = session
  const rounds = options.quick ? 2 : 7
  const rows = []
  for (const count of COUNTS) {
    const task = { dataSet: DATA_SET, count, seed: options.seed }
    const figures = await each(session, rounds, async (codec) => (await runTask('coldCodec', { ...task, ...codec })).ms)
    rows.push({
      id: `cold-${count}`,
      title: `a new codec in a new process, encoding and decoding ${count}, modules loaded`,
      unit: 'ms',
      better: 'lower',
      n: rounds,
      baseline: BASELINE,
      figures,
    })
  }
  return rows
}

/** Of all records as they came, and of one text of each: a text may be a part of a longer one, and keep it. */
export async function kept(session) {
  const { options } = session
  const count = options.quick ? KEPT / 5 : KEPT
  const rows = []
  for (const what of ['records', 'titles']) {
    for (const how of ['one', 'batch']) {
      const task = { dataSet: DATA_SET, count, seed: options.seed, what, how }
      rows.push({
        id: `kept-${what}-${how}`,
        title: `memory held by ${count} ${what} decoded ${how === 'one' ? 'one by one' : 'as a batch'}, each`,
        unit: 'bytes',
        better: 'lower',
        n: 1,
        baseline: BASELINE,
        figures: await each(session, 1, async (codec) => (await runTask('keptByCodec', { ...task, ...codec })).bytes),
      })
    }
  }
  return rows
}

function each({ contestants }, rounds, run) {
  const blocks = {}
  for (const { name, peer, modes } of contestants) {
    if (modes === undefined) blocks[name] = () => run({ peer, name })
  }
  return interleaved(blocks, { rounds, warmUps: 0, collect: false })
}
