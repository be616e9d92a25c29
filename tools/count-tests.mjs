/**
 * Prints `PASSED FAILED` of a vitest JSON report. A file that could not be loaded has no tests to count; it counts as
 * one failure, or a broken import would look like fewer tests.
 *
 *   node tools/count-tests.mjs report.json
 */
import { readFileSync } from 'node:fs'

const [file] = process.argv.slice(2)
if (file === undefined) throw new Error('which report? node tools/count-tests.mjs report.json')

const report = JSON.parse(readFileSync(file, 'utf8'))
const unloadable = report.testResults.filter(
  (suite) => suite.status === 'failed' && !suite.assertionResults.some((test) => test.status === 'failed'),
)
console.log(`${report.numPassedTests} ${report.numFailedTests + unloadable.length}`)
