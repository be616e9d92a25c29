/**
 * The tests on other versions of Node: `npm run test:nodes`, or `npm run test:nodes -- 22,24 test/wal` for some of both.
 * Each version's newest release is fetched from the package registry (the package that brings the binary for this system,
 * without running its scripts) into a temporary folder, which is removed at the end. The package is built once; on each
 * version every test is run, then the demonstration, which uses what was built. Prints a line for each version; the status
 * is 0 when nothing failed.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'

/** The majors that the package promises. */
const MAJORS = ['20', '22', '24', '26']
/** As the registry's packages call systems. */
const SYSTEM = process.platform === 'win32' ? 'win' : process.platform

/** Four versions one after the other are run where other work goes on. */
const TEST_TIMEOUT_MS = 120_000

const root = dirname(dirname(import.meta.dirname))
const args = process.argv.slice(2)
const majors = /^[\d,]+$/.test(args[0] ?? '') ? args.shift().split(',') : MAJORS
const folder = mkdtempSync(join(tmpdir(), 'blazedb-nodes-'))
// A test runs Node as another user, who must get at it.
chmodSync(folder, 0o755)

function run(command, given, options = {}) {
  return spawnSync(command, given, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28, ...options })
}

/** Fetches the newest release of a major; the path of its binary, or undefined with the reason said. */
function fetchNode(major) {
  const name = `node-${SYSTEM}-${process.arch}`
  const prefix = join(folder, major)
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock']
  const done = run('npm', ['install', '--prefix', prefix, ...flags, `${name}@${major}`], {
    shell: process.platform === 'win32',
  })
  const binary = join(prefix, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (done.status === 0 && existsSync(binary)) return binary
  console.log(`node ${major}: could not be fetched\n${done.stderr}`)
  return undefined
}

/** Runs all on one version; true when nothing failed. */
function testOn(major) {
  const node = fetchNode(major)
  if (node === undefined) return false
  // What the tests start is to be the same Node.
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` }
  const version = run(node, ['--version']).stdout.trim().slice(1)
  const report = join(folder, `${major}.json`)
  const vitest = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--reporter=default', '--reporter=json']
  const tests = run(node, [...vitest, `--testTimeout=${TEST_TIMEOUT_MS}`, `--outputFile.json=${report}`, ...args], {
    env,
  })
  const counted = run(process.execPath, [join(root, 'tools/count-tests.mjs'), report])
  const demo = run(node, [join(root, 'tools/demo/demo.mjs')], { env })
  let [passed, failed] = counted.stdout.trim().split(' ').map(Number)
  if (counted.status !== 0) [passed, failed] = [0, 1]
  // A crashed worker fails no test.
  if (tests.status !== 0 && failed === 0) failed = 1
  if (demo.status === 0) passed++
  else failed++
  if (tests.status !== 0) console.log(tests.stdout.slice(-20_000), tests.stderr.slice(-5_000))
  if (demo.status !== 0) console.log(`the demonstration:\n${demo.stdout.slice(-5_000)}${demo.stderr.slice(-5_000)}`)
  console.log(`node ${version}: ${passed} passed, ${failed} failed`)
  return failed === 0 && passed > 0
}

try {
  const built = run('npm', ['run', 'build'], { stdio: 'inherit', shell: process.platform === 'win32' })
  process.exitCode = built.status === 0 && majors.map(testOn).every(Boolean) ? 0 : 1
} finally {
  rmSync(folder, { recursive: true })
}
