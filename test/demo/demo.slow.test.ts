import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { open } from '../../src/entry/index.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

let folder = ''
let project = ''
beforeAll(() => {
  if (!existsSync(join(root, 'dist/entry/index.js'))) throw new Error('dist is missing; npm run build makes it')
  folder = mkdtempSync(join(tmpdir(), 'blazedb-demo-test-'))
  project = join(folder, 'project')
  plant(join(project, 'node_modules'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** A small tree of packages, with what is found in real ones. */
function plant(modules: string): void {
  const files: Record<string, string> = {
    'plain/package.json':
      '{ "name": "plain", "version": "1.0.0", "license": "MIT", "dependencies": { "odd": "^1.0.0" } }',
    'plain/README.md': '# plain\nWritten in TypeScript.',
    'plain/esm/package.json': '{ "type": "module" }',
    'plain/test/node_modules/fixture/package.json': '{ "name": "fixture", "version": "1.0.0" }',
    'plain/node_modules/odd/package.json': '{ "name": "odd", "version": "0.9.0", "license": { "type": "ISC" } }',
    'odd/package.json':
      '\uFEFF{ "name": "odd", "licenses": [{ "type": "MIT" }, { "type": "ISC" }], "dependencies": ["a"] }',
    'odd/readme': 'no extension',
    'nameless/package.json': '{ "version": 7, "dependencies": { "plain": { "not": "a range" }, "odd": "1" } }',
    '@scope/inner/package.json': '{ "name": "@scope/inner", "version": "2.0.0", "devDependencies": { "plain": "*" } }',
    '.store/x@1/node_modules/x/package.json': '{ "name": "x", "version": "1.0.0", "license": "MIT" }',
    'broken/package.json': '{ "name": "broken", ',
    'list/package.json': '["not", "an", "object"]',
    'empty/index.js': '',
    'a-file-beside-packages.txt': 'x',
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(modules, path)), { recursive: true })
    writeFileSync(join(modules, path), text)
  }
  symlinkSync('..', join(modules, 'plain/around'), 'dir')
  symlinkSync('plain', join(modules, 'linked'), 'dir')
}

/** Runs the demonstration with a temporary folder of its own, whose content afterwards is `left`. */
function demo(...args: string[]): { status: number | null; out: string; err: string; left: string[]; home: string } {
  const home = mkdtempSync(join(folder, 'tmp-'))
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'tools/demo/demo.mjs'), ...args], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, TMPDIR: home, TEMP: home },
  })
  return { status, out: stdout, err: stderr, left: readdirSync(home), home }
}

test('the demonstration passes its own checks on a tree of odd packages, and removes what it made', () => {
  const { status, out, err, left } = demo('--dir', project)
  expect({ status, err, left }).toEqual({ status: 0, err: '', left: [] })
  expect(out).toContain('6 packages, 3 dependencies')
  expect(out).toContain('package.json files inside packages (2), symbolic links (2)')
  expect(out).toContain('Every check held')
  expect(out).not.toContain('✗')
  expect(out).toContain('SIGKILL after')
})

test('what cannot be read is named; a pipe gets no colours; the code shown is the source of what runs', () => {
  const { out } = demo('--dir', join(project, 'node_modules'))
  expect(out).toContain(`! ${join('node_modules/broken/package.json')}: `)
  expect(out).toContain(`! ${join('node_modules/list/package.json')}: holds no object`)
  expect(out).toContain(`! ${join('node_modules/empty')}: no package.json`)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  expect(out).not.toMatch(/[\x1b\r]/)
  expect(out).toContain('│   tx.packages.insert(record)')
  expect(out).toContain('│ return db.packages.where({ license })')
})

test('--keep leaves a database that opens, with every package under the path of its folder', async () => {
  const { status, left, home } = demo('--dir', project, '--keep')
  expect(status).toBe(0)
  expect(left).toHaveLength(1)
  const db = await open(join(home, left[0] ?? '', 'packages.blaze'), { readOnly: true })
  try {
    const packages = db.collection('packages')
    expect(packages.orderBy('id').select('id', 'name', 'version', 'license', 'readme').all()).toEqual([
      { id: 'node_modules/.store/x@1/node_modules/x', name: 'x', version: '1.0.0', license: 'MIT', readme: null },
      { id: 'node_modules/@scope/inner', name: '@scope/inner', version: '2.0.0', license: null, readme: null },
      { id: 'node_modules/just-published', name: 'just-published', version: '1.0.0', license: 'MIT', readme: null },
      { id: 'node_modules/nameless', name: 'nameless', version: null, license: null, readme: null },
      { id: 'node_modules/odd', name: 'odd', version: null, license: 'MIT OR ISC', readme: 'no extension' },
      {
        id: 'node_modules/plain',
        name: 'plain',
        version: '1.0.0',
        license: 'MIT',
        readme: '# plain\nWritten in TypeScript.',
      },
      { id: 'node_modules/plain/node_modules/odd', name: 'odd', version: '0.9.0', license: 'ISC', readme: null },
    ])
    expect(db.collection('dependencies').orderBy('from').select('from', 'name', 'range', 'kind').all()).toEqual([
      { from: 'node_modules/@scope/inner', name: 'plain', range: '*', kind: 'dev' },
      { from: 'node_modules/nameless', name: 'odd', range: '1', kind: 'runtime' },
      { from: 'node_modules/plain', name: 'odd', range: '^1.0.0', kind: 'runtime' },
    ])
  } finally {
    await db.close()
  }
})

test('a folder without node_modules is refused with what to do, and an unknown option too', () => {
  const refused = demo('--dir', folder)
  expect(refused).toMatchObject({ status: 1, out: '', left: [] })
  expect(refused.err).toContain('has no node_modules; run npm ci there first')
  expect(demo('--frobnicate')).toMatchObject({ status: 1, out: '', left: [] })
})

test('the audit of a crash finds a lost transfer and a half one', async () => {
  const { auditLedger, entries, writeTransfer } = await import(
    new URL('../../tools/demo/crash-ledger.mjs', import.meta.url).href
  )
  const db = await open(join(folder, 'ledger'), { collections: { entries } })
  try {
    for (const transfer of [1, 2, 3]) await writeTransfer(db, transfer)
    expect(await auditLedger(db, new Set([1, 2]))).toEqual({ lost: 0, half: 0, unacknowledged: 1 })
    expect(await auditLedger(db, new Set([1, 2, 3, 4]))).toEqual({ lost: 1, half: 0, unacknowledged: 0 })
    await db.collection('entries').delete('2:to')
    expect(await auditLedger(db, new Set([1, 2, 3]))).toEqual({ lost: 1, half: 1, unacknowledged: 0 })
    await db.collection('entries').update('3:to', { amount: 1 })
    expect(await auditLedger(db, new Set([1, 2, 3]))).toMatchObject({ lost: 2 })
  } finally {
    await db.close()
  }
})
