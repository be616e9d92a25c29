/**
 * `npm run profile:codec -- file.ndjson`: what the codec does with your own data. One command gives
 *
 *   report.txt, report.json   sizes by field and by kind, times by shape and by field, the comparison with other codecs
 *   encode.cpuprofile, decode.cpuprofile      the two loops, for the Performance panel of Chrome DevTools
 *   flame-graph.html          the same as a picture, which needs nothing but a browser
 *
 * The input is NDJSON or a JSON array of objects. Nothing leaves the machine. How each figure is made is said in the file
 * that makes it, and in the report.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compare } from './compare.mjs'
import { profileLoops } from './cpu-profile.mjs'
import { datesOf, withDates } from './dates.mjs'
import { flameGraph } from './flame-graph.mjs'
import { optionsOf, UsageError } from './options.mjs'
import { loadPeers } from './peers.mjs'
import { readRecords } from './read-records.mjs'
import { formatReport } from './report.mjs'
import { measureSizes, sampleOf, sizeSampleOf } from './sizes.mjs'
import { timeFields, timeShapes } from './times.mjs'

/** Shares of the time: comparison, fields, shapes, profile. */
const SHARES = { compare: 0.45, fields: 0.25, shapes: 0.1, profile: 0.2 }

async function main(args) {
  const options = optionsOf(args)
  const codec = await import('../../dist/entry/codec.js')
  const { records: parsed, total } = await readRecords(options.file, options.records)
  const dates = datesOf(parsed, options.dates)
  const records = withDates(parsed, dates.paths)
  const sized = sizeSampleOf(records)
  const sample = sampleOf(records)
  const budgetMs = (share) => share * options.seconds * 1000

  // First of all: of code that was compiled before, the profiler does not know what was inlined.
  const profiles = await profileLoops(codec, sample, budgetMs(SHARES.profile))
  const peers = await loadPeers(options.folder, dates.paths)
  const report = {
    file: options.file,
    records: records.length,
    total,
    dates,
    sized: sized.length,
    timed: sample.length,
    sizes: measureSizes(codec, sized),
    comparison: compare(codec, peers.found, sample, budgetMs(SHARES.compare)),
    missing: peers.missing,
    shapeTimes: timeShapes(codec, records, budgetMs(SHARES.shapes)),
    fieldTimes: timeFields(codec, sample, budgetMs(SHARES.fields)),
  }

  mkdirSync(options.out, { recursive: true })
  const write = (name, text) => writeFileSync(join(options.out, name), text)
  const text = formatReport(report)
  write('report.txt', text)
  write('report.json', `${JSON.stringify(report, undefined, 2)}\n`)
  for (const [name, profile] of Object.entries(profiles)) write(`${name}.cpuprofile`, JSON.stringify(profile))
  write('flame-graph.html', flameGraph(profiles, `${records.length} records of ${options.file}`))
  console.log(text)
  console.log(
    `Written to ${options.out}: report.txt, report.json, encode.cpuprofile, decode.cpuprofile, flame-graph.html`,
  )
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
