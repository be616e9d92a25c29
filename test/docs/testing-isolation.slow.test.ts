import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/testing-isolation.md'), 'utf8')

test('the example of the page on isolation prints what the page says, and draws the picture', () => {
  if (!existsSync(join(root, 'dist/entry/testing.js'))) throw new Error('dist is missing; npm run build makes it')
  const [, source = ''] = /```js\n\/\/ withdraw\.mjs\n(.*?)```/s.exec(page) ?? []
  const [, printed = ''] = /```text\n(.*?)```/s.exec(page) ?? []
  const folder = mkdtempSync(join(tmpdir(), 'blazedb-isolation-'))
  try {
    mkdirSync(join(folder, 'node_modules'))
    // Nothing but the package: no fast-check either.
    symlinkSync(root, join(folder, 'node_modules/blazedb'), 'dir')
    writeFileSync(join(folder, 'withdraw.mjs'), source)
    const { status, stdout, stderr } = spawnSync(process.execPath, ['withdraw.mjs'], { cwd: folder, encoding: 'utf8' })
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: printed, stderr: '' })
    expect(printed).toContain('G2-item, write skew')
    expect(readFileSync(join(folder, 'anomaly.svg'), 'utf8')).toContain('</svg>')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
