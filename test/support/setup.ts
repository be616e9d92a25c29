/** Runs before every test file: turns on the costly checks, and prints the seed beside each test that fails. */
import fc from 'fast-check'
import { afterEach } from 'vitest'
import { setCostlyChecks } from '../../src/base/invariant.ts'
import { seed } from './seed.ts'

setCostlyChecks(true)

afterEach((context) => {
  if (context.task.result?.state === 'fail') {
    process.stderr.write(`to repeat it: BLAZEDB_SEED=${seed()} npx vitest run ${context.task.file.name}\n`)
  }
})

// A stated maximum is the size that is meant: without this lists end at ten items, whatever their maximum.
fc.configureGlobal({ ...fc.readConfigureGlobal(), defaultSizeToMaxWhenMaxSpecified: true })
