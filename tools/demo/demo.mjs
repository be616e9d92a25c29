/**
 * The demonstration: `npm run demo [-- --dir PATH] [-- --keep]`. It imports the packages that npm has installed in a
 * project into a database in a temporary folder, shows what can be done with them (the code on the screen is the
 * source of the functions that run), kills a process in the middle of its commits, and checks what it claims as it
 * goes: when one check fails, it exits with 1. It needs no network, and removes what it made.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { open } from 'blazedb'
import { collections } from './collections.mjs'
import { killWriter } from './crash.mjs'
import { auditLedger, entries, writeTransfer } from './crash-ledger.mjs'
import { importPackage, importPackages } from './import-packages.mjs'
import * as read from './reading-steps.mjs'
import {
  bold,
  bytesText,
  dim,
  heading,
  progressBar,
  result,
  say,
  showCode,
  table,
  timeText,
  verdict,
  warning,
} from './terminal.mjs'
import { countAndReport, giveStars, lookWhileWriting } from './transaction-steps.mjs'

const POINT_GETS = 10_000
/** The writer beside the snapshot makes about so many updates, in a few commits. */
const STAR_UPDATES = 4_000
const MOST_STAR_ROUNDS = 25
const ACKNOWLEDGED_BEFORE_KILL = 1_000
/** A step is run again for about as long, to learn its usual time. */
const REPEAT_MS = 50
const MOST_REPEATS = 200
/** The background collector has this long to drop versions that nobody sees any more. */
const COLLECTOR_MS = 5_000

/** @typedef {import('./collections.mjs').Db} Db */
/** @typedef {import('blazedb').DatabaseStats} Stats */

let failures = 0

/** @param {boolean} holds @param {string} text */
function check(holds, text) {
  if (!holds) failures++
  verdict(holds, text)
}

/**
 * Shows a step that reads, runs it, and says how long it took.
 * @template V
 * @param {{ title: string, aside?: string, code: Function, run: () => V, per?: number }} step
 * @returns {V}
 */
function reading({ title, aside, code, run, per = 1 }) {
  heading(title, aside)
  showCode(code)
  const startMs = performance.now()
  const value = run()
  const firstMs = performance.now() - startMs
  const times = []
  for (let leftMs = REPEAT_MS; leftMs > 0 && times.length < MOST_REPEATS; ) {
    const againMs = performance.now()
    run()
    times.push(performance.now() - againMs)
    leftMs -= times.at(-1) ?? 0
  }
  times.sort((a, b) => a - b)
  const usualMs = times[times.length >> 1] ?? firstMs
  const each = per === 1 ? '' : `, ${timeText(usualMs / per)} each`
  result(dim(`${timeText(firstMs)} the first time, then ${timeText(usualMs)} (median of ${times.length})${each}`))
  return value
}

/**
 * @template V
 * @param {() => Promise<V>} run
 */
async function timed(run) {
  const startMs = performance.now()
  const value = await run()
  return { value, ms: performance.now() - startMs }
}

/** @param {Db} db @param {string} project @param {string} nodeModules */
async function importStep(db, project, nodeModules) {
  heading('Import', `${nodeModules}, one durable transaction a package`)
  showCode(importPackage)
  const bar = progressBar('importing')
  const { value: done, ms } = await timed(() => importPackages(db, project, nodeModules, bar.draw))
  bar.end(
    `${bold(done.packages)} packages, ${bold(done.dependencies)} dependencies, ${bytesText(done.sizeBytes)} of files read in ${timeText(ms)}`,
  )
  result(
    dim(`not packages: package.json files inside packages (${done.innerManifests}), symbolic links (${done.links})`),
  )
  for (const problem of done.problems) warning(problem)
  if (done.problemCount > done.problems.length)
    warning(`and ${done.problemCount - done.problems.length} more that could not be read`)
  check(
    db.packages.count() === done.packages && db.dependencies.count() === done.dependencies,
    'the database counts as many packages and dependencies as were acknowledged',
  )
  return done.packages
}

/** @param {Db} db */
async function readingSteps(db) {
  const packages = db.packages.select('id', 'name', 'license').all()
  const ids = Array.from({ length: POINT_GETS }, (_, at) => packages[(at * 7919) % packages.length]?.id ?? '')
  reading({
    title: 'Point gets',
    aside: `${POINT_GETS} of them, by id, each a fresh object with its README`,
    code: read.pointGets,
    run: () => read.pointGets(db, ids),
    per: POINT_GETS,
  })

  const license = selectiveLicense(packages)
  const byLicense = read.byLicense(db, license)
  const licensed = reading({
    title: 'An indexed filter',
    aside: `license = '${license}', then .all()`,
    code: read.byLicense,
    run: () => byLicense.all(),
  })
  result(`${bold(licensed.length)} of ${packages.length} packages`)
  explain(byLicense)
  check(
    licensed.length === packages.filter((each) => each.license === license).length,
    'as many as a filter in JavaScript finds',
  )

  await unindexedThenIndexed(db)

  const largest = reading({
    title: 'The largest packages',
    aside: 'read off the index, from its end',
    code: read.largestPackages,
    run: () => read.largestPackages(db),
  })
  table(
    largest.map((each) => [bytesText(each.sizeBytes).padStart(10), each.name, each.version ?? '', each.license ?? '']),
  )

  const popular = reading({
    title: 'Those depended on most',
    aside: 'groupBy is not there yet, so the counting is JavaScript',
    code: read.mostDependedOn,
    run: () => read.mostDependedOn(db),
  })
  table(popular.map(([name, count]) => [count, name]))

  const word = 'TypeScript'
  const mentions = reading({
    title: 'A search in the READMEs',
    aside: `for '${word}'; by containment, until text search is there`,
    code: read.searchReadmes,
    run: () => read.searchReadmes(db, word),
  })
  result(
    `${bold(mentions.length)} packages${mentions.length === 0 ? '' : `, from ${mentions[0]?.name} to ${mentions.at(-1)?.name}`}`,
  )
}

/** The licence of the fewest packages but more than one: what an index is good for. @param {readonly { license: string | null }[]} packages */
function selectiveLicense(packages) {
  const counts = /** @type {Map<string, number>} */ (new Map())
  for (const { license } of packages) if (license !== null) counts.set(license, (counts.get(license) ?? 0) + 1)
  const rare = [...counts].sort(([, a], [, b]) => a - b)
  return (rare.find(([, count]) => count > 1) ?? rare[0])?.[0] ?? 'MIT'
}

/** The same filter, before there is an index for it and after. @param {Db} db */
async function unindexedThenIndexed(db) {
  const query = read.manyFilesAndReadme(db)
  const scanned = reading({
    title: 'An unindexed filter',
    aside: 'reads every package',
    code: read.manyFilesAndReadme,
    run: () => query.all(),
  })
  result(`${bold(scanned.length)} packages`)
  explain(query)
  const { ms } = await timed(() => db.createIndex('packages', 'fileCount'))
  const sought = reading({
    title: 'The same query, with an index',
    aside: `db.createIndex('packages', 'fileCount') took ${timeText(ms)}`,
    code: read.manyFilesAndReadme,
    run: () => query.all(),
  })
  explain(query)
  check(sameIds(scanned, sought), 'the same packages as without it')
}

/** @param {readonly { id: string }[]} some @param {readonly { id: string }[]} others */
function sameIds(some, others) {
  const ids = new Set(some.map((row) => row.id))
  return ids.size === others.length && others.every((row) => ids.has(row.id))
}

/** The plan that was run. @param {{ explain(): { text: string } }} query */
function explain(query) {
  for (const line of query.explain().text.split('\n\n')[0]?.split('\n') ?? []) result(dim(line))
}

/** @param {Db} db */
async function conflictStep(db) {
  heading('A serializable transaction that loses, and runs again', 'nobody wrote the same record: what it read changed')
  showCode(countAndReport)
  const license = 'MIT'
  const late = {
    id: 'node_modules/just-published',
    name: 'just-published',
    version: '1.0.0',
    license,
    description: 'committed while another transaction was counting',
    sizeBytes: 1,
    fileCount: 1,
    readme: null,
    stars: 0,
  }
  const { value: attempts, ms } = await timed(() => countAndReport(db, license, late))
  const reported = db.collection('reports').get(license)?.['count']
  result(dim(`${timeText(ms)}, both attempts and the other's commit`))
  check(attempts === 2, `it took ${attempts} attempts: the first met CONFLICT`)
  check(
    reported === db.packages.where({ license }).count(),
    `the report says ${reported}, the late package counted: as if one had run after the other`,
  )
}

/** @param {Db} db */
async function snapshotStep(db) {
  const packages = db.packages.count()
  const rounds = Math.max(2, Math.min(MOST_STAR_ROUNDS, Math.floor(STAR_UPDATES / packages)))
  heading('A snapshot, while a writer goes on', `${rounds} commits, each changing every package`)
  showCode(giveStars)
  say(`  ${dim('│')}`)
  showCode(lookWhileWriting)
  const { value: seen, ms } = await timed(() => lookWhileWriting(db, rounds))
  result(dim(`${timeText(ms)} for ${rounds * packages} updates and ${seen.looks} looks`))
  check(
    seen.looks > 0 && seen.changes === 0 && seen.before === packages,
    `looked at ${seen.looks} times, the snapshot always counted ${seen.before} packages without a star`,
  )
  check(db.packages.where({ stars: rounds }).count() === packages, `outside it, every package has ${rounds} stars`)
  return seen.held
}

/** @param {string} folder */
async function crashStep(folder) {
  heading('SIGKILL in the middle of commits', 'a child process, 16 transactions in flight')
  showCode(writeTransfer)
  const { acknowledged, signal, inFlight } = await killWriter(folder, ACKNOWLEDGED_BEFORE_KILL)
  result(
    `${signal ?? 'no signal'} after ${bold(acknowledged.size)} acknowledged transfers, ${bold(inFlight)} in flight`,
  )
  const { value: db, ms } = await timed(() => open(folder, { collections: { entries } }))
  try {
    const { lost, half, unacknowledged } = await auditLedger(db, acknowledged)
    result(dim(`${timeText(ms)} to open and recover ${db.entries.count()} entries`))
    check(signal === 'SIGKILL' && inFlight > 0, 'the process was killed with commits under way')
    check(
      acknowledged.size >= ACKNOWLEDGED_BEFORE_KILL && lost === 0,
      lost === 0 ? 'every acknowledged transfer is there' : `${lost} acknowledged transfers are lost`,
    )
    check(
      half === 0,
      half === 0
        ? `no transfer is there by half (of those in flight, ${unacknowledged} had reached the disk whole)`
        : `${half} entries without their other half`,
    )
  } finally {
    await db.close()
  }
}

/** @param {Db} db @param {Stats['versions']} held */
async function statsStep(db, held) {
  heading('Log, versions, garbage collection')
  const before = db.stats()
  const { ms: pruneMs } = await timed(() => until(() => db.stats().versions.count === 0))
  const { ms: checkpointMs } = await timed(() => db.checkpoint())
  await until(() => isLogShort(before, db.stats()))
  const after = db.stats()
  table([
    ['log', `${logText(before)}, ${bytesText(before.log.liveBytes)} of it live`],
    ['', `${logText(after)} after a checkpoint (${timeText(checkpointMs)}) and cleaning`],
    ['versions', `${held.count} superseded ones (${bytesText(held.bytes)} of bookkeeping) while the snapshot was held`],
    ['', `${after.versions.count} now; the collector needed ${timeText(pruneMs)}`],
    ['commits', `${after.commits.visible}, all of them durable; synced by ${after.log.syncMethod}`],
    ['memory', `${bytesText(after.memory.usedBytes)} of caches, of ${bytesText(after.memory.limitBytes)} allowed`],
  ])
  check(after.versions.count === 0, 'no version is kept that nobody can see')
}

/** @param {Stats} stats */
function logText({ log }) {
  return `${bytesText(log.bytes)} in ${log.segments} ${log.segments === 1 ? 'segment' : 'segments'}`
}

/** One segment cannot get shorter: it is the one being written. @param {Stats} before @param {Stats} now */
function isLogShort(before, now) {
  return before.log.segments === 1 || now.log.bytes < before.log.bytes / 2
}

/** Waits for the collector, for a bounded time; what is checked after it says whether it came. @param {() => boolean} done */
async function until(done) {
  const endMs = performance.now() + COLLECTOR_MS
  while (!done() && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** @param {string} folder @param {number} packages */
async function reopenStep(folder, packages) {
  heading('Closed, and opened again')
  const { value: db, ms } = await timed(() => open(folder, { collections }))
  try {
    result(dim(`${timeText(ms)} to open`))
    check(db.packages.count() === packages, `all ${packages} packages are there`)
  } finally {
    await db.close()
  }
}

/** @param {string} project @param {string} nodeModules @param {string} home */
async function demonstrate(project, nodeModules, home) {
  const startMs = performance.now()
  say(`${bold('BlazeDB')} ${dim(`on Node ${process.versions.node}, in ${home}`)}`)
  const folder = join(home, 'packages.blaze')
  const db = await open(folder, { collections, retain: { logBytes: 0 } })
  let packages = 0
  try {
    const imported = await importStep(db, project, nodeModules)
    if (imported === 0) throw new Error(`no packages in ${nodeModules}`)
    await readingSteps(db)
    await conflictStep(db)
    const held = await snapshotStep(db)
    await statsStep(db, held)
    packages = db.packages.count()
  } finally {
    await db.close()
  }
  await reopenStep(folder, packages)
  await crashStep(join(home, 'ledger.blaze'))
  say()
  say(
    failures === 0
      ? bold(`Every check held; ${timeText(performance.now() - startMs)} in all.`)
      : bold(`${failures} ${failures === 1 ? 'check has' : 'checks have'} failed.`),
  )
}

function options() {
  const { values } = parseArgs({ options: { dir: { type: 'string' }, keep: { type: 'boolean', default: false } } })
  const given = resolve(values.dir ?? dirname(dirname(import.meta.dirname)))
  const project = basename(given) === 'node_modules' ? dirname(given) : given
  const nodeModules = join(project, 'node_modules')
  if (!existsSync(nodeModules)) throw new Error(`${project} has no node_modules; run npm ci there first`)
  return { project, nodeModules, keep: values.keep }
}

async function main() {
  const { project, nodeModules, keep } = options()
  const home = mkdtempSync(join(tmpdir(), 'blazedb-demo-'))
  // At exit, not in a finally: Ctrl-C and a closed pipe are ends too.
  process.once('exit', () => {
    if (!keep) rmSync(home, { recursive: true, force: true })
  })
  process.once('SIGINT', () => process.exit(130))
  process.once('SIGTERM', () => process.exit(143))
  process.stdout.on('error', (error) => process.exit('code' in error && error.code === 'EPIPE' ? 0 : 1))
  await demonstrate(project, nodeModules, home)
  say(keep ? `The databases are kept in ${home}` : dim('The databases are removed; --keep leaves them.'))
  if (failures > 0) process.exitCode = 1
}

main().catch((error) => {
  process.stderr.write(`demo: ${error instanceof Error ? (error.stack ?? error.message) : error}\n`)
  process.exitCode = 1
})
