import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import layers from '../../tools/layers.json' with { type: 'json' }

const root = fileURLToPath(new URL('../..', import.meta.url))
const configuration = join(root, '.dependency-cruiser.cjs')
const bin = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs')

/** One planted folder for all cases: a file name starts with its case's, so that the cases do not meet. */
const planted: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({
    type: 'module',
    dependencies: { lmdb: '1' },
    devDependencies: { zod: '1', peer: '1' },
    peerDependencies: { peer: '1' },
  }),
  'node_modules/lmdb/package.json': JSON.stringify({ name: 'lmdb', version: '1.0.0', main: 'index.js' }),
  'node_modules/lmdb/index.js': 'module.exports = {}',
  'node_modules/zod/package.json': JSON.stringify({ name: 'zod', version: '1.0.0', main: 'index.js' }),
  'node_modules/zod/index.js': 'module.exports = {}',
  'node_modules/peer/package.json': JSON.stringify({ name: 'peer', version: '1.0.0', main: 'index.js' }),
  'node_modules/peer/index.js': 'module.exports = {}',

  'src/base/good.ts': 'export const a = 1\n',
  'src/platform/platform.ts': `import { a } from '../base/good.ts'\nexport const p = a\n`,
  'src/platform/good.ts': `import { readFileSync } from 'node:fs'\nimport 'lmdb'\nexport const r = readFileSync\n`,
  'src/wal/good.ts': `import { p } from '../platform/platform.ts'\nexport const l = p\n`,
  'src/mvcc/snapshots.ts': 'export interface Snapshot { readonly commit: number }\nexport const s = 1\n',
  'src/text/good.ts': `import type { Snapshot } from '../mvcc/snapshots.ts'\nexport type T = Snapshot\n`,
  'src/entry/good.ts': `export { l } from '../wal/good.ts'\nexport type { T } from '../text/good.ts'\n`,

  'src/base/upward.ts': `import { b } from '../pages/fine.ts'\nexport const a = b\n`,
  'src/pages/fine.ts': 'export const b = 1\n',
  'src/codec/type-upward.ts': `import type { B } from '../mvcc/fine.ts'\nexport type A = B\n`,
  'src/mvcc/fine.ts': 'export type B = number\n',
  'src/wal/implementation.ts': `import { r } from '../platform/good.ts'\nexport const a = r\n`,
  'src/columns/value.ts': `import { s } from '../mvcc/snapshots.ts'\nexport const a = s\n`,
  'src/engine/from-entry.ts': `import { l } from '../entry/good.ts'\nexport const a = l\n`,
  'src/base/cycle-a.ts': `import type { B } from './cycle-b.ts'\nexport type A = B | number\n`,
  'src/base/cycle-b.ts': `import type { A } from './cycle-a.ts'\nexport type B = A | string\n`,
  'src/wal/node.ts': `import 'node:fs'\n`,
  'src/engine/node-bare.ts': `import 'fs'\n`,
  'src/mvcc/node-type.ts': `import type { Stats } from 'node:fs'\nexport type S = Stats\n`,
  'src/engine/lmdb.ts': `import 'lmdb'\n`,
  'src/platform/dev.ts': `import 'zod'\n`,
  'src/testing/good.ts': `import 'peer'\nexport const t = 1\n`,
  'src/engine/peer.ts': `import 'peer'\n`,
  'src/base/outside.ts': `import '../../test/some.ts'\n`,
  'test/some.ts': 'export const b = 1\n',
  'src/base/barrel.ts': `export { a } from './good.ts'\n`,
  'src/base/type-barrel.ts': `export type { A } from './cycle-a.ts'\n`,
  'src/misc/a.ts': `import '../base/good.ts'\n`,
  'src/engine/into-misc.ts': `import '../misc/a.ts'\n`,
  'src/base/absent.ts': `import './not-there.ts'\n`,
}

/** What the check must say, as `file: rule`; it must say nothing else about any file. */
const cases: readonly (readonly [what: string, file: string, rule: string])[] = [
  ['an import against the table', 'src/base/upward.ts', 'layer-base'],
  ['a type-only import against the table', 'src/codec/type-upward.ts', 'layer-codec'],
  ['a platform implementation imported by the log', 'src/wal/implementation.ts', 'layer-wal'],
  ['a value imported where only types may be', 'src/columns/value.ts', 'layer-columns-types'],
  ['an import of the public entry from inside', 'src/engine/from-entry.ts', 'layer-engine'],
  ['a cycle of type-only imports within a layer', 'src/base/cycle-a.ts', 'no-cycle'],
  ['a node: module above the platform', 'src/wal/node.ts', 'node-only-in-platform'],
  ['a bare node module above the platform', 'src/engine/node-bare.ts', 'node-only-in-platform'],
  ['a type of a node: module above the platform', 'src/mvcc/node-type.ts', 'node-only-in-platform'],
  ['lmdb above the platform', 'src/engine/lmdb.ts', 'lmdb-only-in-platform'],
  ['a dev dependency in the package', 'src/platform/dev.ts', 'no-dev-dependency'],
  ['an optional peer outside of testing', 'src/engine/peer.ts', 'peer-only-in-testing'],
  ['a test file imported by the package', 'src/base/outside.ts', 'no-outside'],
  ['a re-export outside the entry', 'src/base/barrel.ts', 'no-barrel'],
  ['a type re-export outside the entry', 'src/base/type-barrel.ts', 'no-barrel'],
  ['a folder that is no layer', 'src/misc/a.ts', 'known-layer'],
  ['an import of a folder that is no layer', 'src/engine/into-misc.ts', 'known-layer-imported'],
  ['an import that is not found', 'src/base/absent.ts', 'resolvable'],
]

/** An import of an unknown folder is against the importer's own row, too. */
const alsoSaid = ['src/engine/into-misc.ts: layer-engine']

let said: ReadonlySet<string> = new Set()
let status: number | null = 0

/** Runs the check with the project's own configuration in another folder. */
function cruise(folder: string, output: 'json' | 'err'): { status: number | null; stdout: string } {
  return spawnSync(process.execPath, [bin, 'src', '--config', configuration, '--output-type', output], {
    cwd: folder,
    encoding: 'utf8',
  })
}

beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), 'blazedb-layers-'))
  try {
    for (const [path, text] of Object.entries(planted)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
    const { summary } = JSON.parse(cruise(folder, 'json').stdout) as {
      summary: { violations: { from: string; rule: { name: string } }[] }
    }
    said = new Set(summary.violations.map(({ from, rule }) => `${from}: ${rule.name}`))
    status = cruise(folder, 'err').status
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 120_000)

test.each(cases)('%s is refused', (_what, file, rule) => {
  expect([...said]).toContain(`${file}: ${rule}`)
})

test('the check fails as a process when there is a violation', () => {
  expect(status).toBeGreaterThan(0)
})

test('nothing that the table allows is refused', () => {
  const wanted = [...cases.map(([, file, rule]) => `${file}: ${rule}`), ...alsoSaid]
  expect([...said].sort()).toEqual(wanted.sort())
})

test('every folder of src is a layer of the table', () => {
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
  expect(folders.filter((entry) => !entry.isDirectory()).map((entry) => entry.name)).toEqual([])
  for (const entry of folders) expect(Object.keys(layers)).toContain(entry.name)
})

test('the table has no arrow that runs back up', () => {
  const seen = new Set<string>()
  for (const [name, layer] of Object.entries<{ imports: string[]; importsTypes?: string[] }>(layers)) {
    for (const entry of [...layer.imports, ...(layer.importsTypes ?? [])]) {
      expect(seen, `${name} imports ${entry}`).toContain(entry.split('/')[0])
    }
    seen.add(name)
  }
})
