import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'blazedb-lock-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs the tool on a lock of these packages; `after` is what the file holds then. */
function complete(packages: unknown, ...flags: string[]): { status: number | null; said: string; after: unknown } {
  const file = join(folder, 'package-lock.json')
  writeFileSync(file, JSON.stringify({ lockfileVersion: 3, packages }))
  const run = spawnSync(process.execPath, [join(root, 'tools/complete-lock.mjs'), file, ...flags], { encoding: 'utf8' })
  return {
    status: run.status,
    said: run.stdout + run.stderr,
    after: (JSON.parse(readFileSync(file, 'utf8')) as { packages: unknown }).packages,
  }
}

const present = { version: '1.2.3', optional: true, os: ['linux'], cpu: ['x64'], libc: ['glibc'] }
const gap = {
  'node_modules/thing': {
    version: '1.2.3',
    dev: true,
    license: 'MIT',
    optionalDependencies: {
      '@thing/linux-x64-gnu': '1.2.3',
      '@thing/linux-arm64-musl': '1.2.3',
      'thing-win32-x64': '1.2.3',
    },
  },
  'node_modules/@thing/linux-x64-gnu': present,
}

test('a missing platform package is added as npm would have written it', () => {
  const { status, after } = complete(gap)
  expect(status).toBe(0)
  expect(after).toEqual({
    ...gap,
    'node_modules/@thing/linux-arm64-musl': {
      version: '1.2.3',
      dev: true,
      license: 'MIT',
      optional: true,
      os: ['linux'],
      cpu: ['arm64'],
      libc: ['musl'],
    },
    'node_modules/thing-win32-x64': {
      version: '1.2.3',
      dev: true,
      license: 'MIT',
      optional: true,
      os: ['win32'],
      cpu: ['x64'],
    },
  })
})

test('--check names the gaps, fails, and changes nothing', () => {
  const { status, said, after } = complete(gap, '--check')
  expect(status).toBe(1)
  expect(said).toContain('@thing/linux-arm64-musl@1.2.3')
  expect(after).toEqual(gap)
})

test('a nested copy counts as present', () => {
  const packages = {
    'node_modules/a/node_modules/thing': { version: '1.0.0', optionalDependencies: { 'thing-linux-x64': '1.0.0' } },
    'node_modules/a/node_modules/thing-linux-x64': { version: '1.0.0', optional: true },
  }
  expect(complete(packages)).toMatchObject({ status: 0, after: packages })
})

test('addresses of registries are stripped, links to folders are kept', () => {
  const { status, after } = complete({
    'node_modules/a': { version: '1.0.0', resolved: 'https://registry.example/a/-/a-1.0.0.tgz', integrity: 'sha512-x' },
    'node_modules/b': { resolved: '../b', link: true },
  })
  expect(status).toBe(0)
  expect(after).toEqual({
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-x' },
    'node_modules/b': { resolved: '../b', link: true },
  })
})

test('a missing package that names no platform is an error, not a guess', () => {
  const { status, said } = complete({
    'node_modules/a': { version: '1.0.0', optionalDependencies: { other: '1.0.0' } },
  })
  expect(status).not.toBe(0)
  expect(said).toContain('other@1.0.0')
})

test.each(['package-lock.json'])('the %s of the project is complete and names no registry', (name) => {
  const text = readFileSync(join(root, name), 'utf8')
  expect(complete((JSON.parse(text) as { packages: unknown }).packages, '--check').status).toBe(0)
  expect(text).not.toMatch(/"resolved":/)
})
