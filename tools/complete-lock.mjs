/**
 * Completes package-lock.json, and strips it of registry addresses.
 *
 * A package with native code names one optional package per platform. When the registry lacks one of them, `npm
 * install` leaves it out of the lock, and `npm ci` of npm 11 then refuses that lock ("Missing … from lock file"). This
 * adds an entry for each that is missing; `npm ci` skips it on every other platform. Addresses (`resolved`) are taken
 * out, because a lock must not say whose mirror it was made with: npm asks the registry it is configured for.
 *
 *   node tools/complete-lock.mjs           mends the lock; run it after each change of dependencies
 *   node tools/complete-lock.mjs --check   changes nothing, fails when there is something to mend
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'

const OS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const CPU = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64']

/** The platform that a package's name speaks of (`@scope/thing-linux-x64-musl`), or undefined when it names none. */
export function platformOf(name) {
  const words = name.slice(name.indexOf('/') + 1).split(/[-.]/)
  const os = words.find((word) => OS.includes(word))
  const cpu = words.find((word) => CPU.includes(word))
  if (os === undefined || cpu === undefined) return undefined
  const libc = words.some((word) => word.startsWith('musl'))
    ? 'musl'
    : words.some((word) => word.startsWith('gnu'))
      ? 'glibc'
      : undefined
  return { os: [os], cpu: [cpu], ...(libc !== undefined && os === 'linux' ? { libc: [libc] } : {}) }
}

/** Where Node would look for `name` from the package at `from`, nearest first: the keys of the lock's `packages`. */
function places(from, name) {
  const keys = []
  for (let at = from; ; at = at.includes('/node_modules/') ? at.slice(0, at.lastIndexOf('/node_modules/')) : '') {
    keys.push(at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`)
    if (at === '') return keys
  }
}

/** The completed copy of a parsed lock, and a line for each change. Throws for a gap that it cannot fill. */
export function completeLock(lock) {
  const packages = structuredClone(lock.packages)
  const changes = []
  for (const [key, entry] of Object.entries(packages)) {
    if (/^(git\+)?(https?|ssh):/.test(entry.resolved ?? '')) {
      delete entry.resolved
      changes.push(`strip the address of ${key}`)
    }
  }
  for (const [parentKey, parent] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      if (places(parentKey, name).some((key) => key in packages)) continue
      const platform = platformOf(name)
      if (platform === undefined || !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) {
        throw new Error(`${parentKey} wants ${name}@${version}, which is no platform package of an exact version`)
      }
      packages[`node_modules/${name}`] = {
        version,
        ...(parent.dev ? { dev: true } : {}),
        ...(parent.license === undefined ? {} : { license: parent.license }),
        optional: true,
        ...platform,
      }
      changes.push(`add ${name}@${version}`)
    }
  }
  // npm's own order: by locale, the root first.
  const sorted = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en')))
  return { lock: { ...lock, packages: sorted }, changes }
}

function main(args) {
  const check = args.includes('--check')
  const file = args.find((arg) => !arg.startsWith('--')) ?? `${dirname(import.meta.dirname)}/package-lock.json`
  const { lock, changes } = completeLock(JSON.parse(readFileSync(file, 'utf8')))
  if (changes.length === 0) {
    console.log('package-lock.json is complete')
    return
  }
  for (const change of changes) console.log(change)
  if (check) {
    console.error('package-lock.json is not complete: npm run lock:complete')
    process.exitCode = 1
    return
  }
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv.slice(2))
