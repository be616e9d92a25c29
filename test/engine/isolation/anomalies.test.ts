import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runScript } from '../script-runner.ts'

/** Each anomaly of the literature (Adya; the Hermitage tests) as a script: input, then what it gives at each level. */
const FOLDER = new URL('.', import.meta.url).pathname
const scripts = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'))

describe('interleaved transactions', () => {
  it.each(scripts)('%s gives what its script says, at each level', async (name) => {
    const { expected, actual } = await runScript(`${FOLDER}${name}`)
    expect(actual).toBe(expected)
  })

  it('has a script for each anomaly that is to be refused', () => {
    const names = scripts.join('\n')
    for (const anomaly of ['g0', 'g1a', 'g1b', 'g1c', 'otv', 'pmp', 'p4', 'g-single', 'g2-item', 'g2-predicate']) {
      expect(names).toContain(anomaly)
    }
  })
})
