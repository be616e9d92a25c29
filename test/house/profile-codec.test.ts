/** The profiling tool, run as its users do, on small files. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runInNewContext, Script } from 'node:vm'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

let folder = ''
beforeAll(() => {
  if (!existsSync(join(root, 'dist/entry/codec.js'))) throw new Error('dist is missing; npm run build makes it')
  folder = mkdtempSync(join(tmpdir(), 'blazedb-profile-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs the tool in the folder, on a file with this text. */
function profile(name: string, text: string, ...flags: string[]) {
  const file = join(folder, name)
  writeFileSync(file, text)
  const { npm_lifecycle_event: _, ...env } = process.env
  const tool = join(root, 'tools/profile-codec/profile-codec.mjs')
  const run = spawnSync(process.execPath, [tool, file, '--seconds', '1', ...flags], {
    cwd: folder,
    env,
    encoding: 'utf8',
  })
  return { status: run.status, said: run.stdout, complained: run.stderr, file }
}

interface Frame {
  readonly name: string
  readonly totalUs: number
  readonly selfUs: number
  readonly children: readonly Frame[]
}

/** As much of a document as the picture needs. */
class Page {
  readonly #elements = new Map<string, Element>()
  /** The bars, as they were drawn last. */
  bars: Element[] = []

  getElementById(id: string): Element {
    const known = this.#elements.get(id) ?? new Element(this)
    this.#elements.set(id, known)
    return known
  }

  querySelector(): Element {
    return new Element(this)
  }

  createElement(): Element {
    return new Element(this)
  }

  names(): string[] {
    return this.bars.map(({ textContent }) => textContent)
  }
}

class Element {
  readonly #page: Page
  readonly style = { cssText: '', height: '' }
  readonly classList = new Set<string>()
  textContent = ''
  value = ''
  onclick = (): void => expect.fail('nothing to click')

  constructor(page: Page) {
    this.#page = page
  }

  append(bar: Element): void {
    this.#page.bars.push(bar)
  }

  replaceChildren(): void {
    this.#page.bars = []
  }
}

test('one command gives report, profile and picture', () => {
  const generator = join(root, 'examples/codec-profiling/generate.mjs')
  const orders = spawnSync(process.execPath, [generator, '300'], { encoding: 'utf8' }).stdout
  const { status, said, complained } = profile('orders.ndjson', orders, '--out', 'out')
  expect({ status, complained }).toEqual({ status: 0, complained: '' })
  expect(said).toContain('Dates: placedAt, sentAt, found by their form')
  const read = (name: string): string => readFileSync(join(folder, 'out', name), 'utf8')
  expect(said).toContain(read('report.txt'))

  const report = JSON.parse(read('report.json'))
  expect(report.records).toBe(300)
  const names = ['id', 'customer', 'state', 'items', 'total', 'placedAt', 'sentAt', 'carrier', 'note']
  const { total, fields, rest, kinds, parts } = report.sizes
  expect(fields.map(({ name }: { name: string }) => name).sort()).toEqual([...names].sort())
  for (const { name, single, json } of fields) {
    if (!(single > 0 && single < json)) expect.fail(`${name} takes ${single} bytes, ${json} as JSON`)
  }
  for (const size of ['single', 'batch', 'json'] as const) {
    const sum = (list: { readonly [size: string]: number }[]): number => list.reduce((sum, of) => sum + of[size]!, 0)
    expect(sum(fields) + rest[size]).toBe(total[size])
    if (size !== 'json') expect([sum(kinds), sum(parts)]).toEqual([total[size], total[size]])
  }
  // The braces of a record, without the comma that its last field does not have.
  expect(rest.json).toBe(300)
  const sent = orders.split('"sentAt"').length - 1
  const dates = parts.filter(({ kind }: { kind: string }) => kind === 'date')
  expect(dates.map(({ path, single }: { path: string[]; single: number }) => [path.join('.'), single])).toEqual([
    ['placedAt', 6 * 300],
    ['sentAt', 6 * sent],
  ])
  expect(said).toMatch(/\n {2}items\.price, number +\d/)

  const compared = [...report.comparison.map(({ name }: { name: string }) => name), ...report.missing]
  expect(compared.sort()).toEqual(['JSON', 'JSON+dates', 'blazedb', 'cbor-x', 'msgpackr', 'v8.serialize'])
  for (const { name, failed, us, single, exact } of report.comparison) {
    expect({ name, failed, exact }).toEqual({ name, failed: undefined, exact: name !== 'JSON' })
    expect(single).toBeGreaterThan(0)
    expect(Object.values(us)).toHaveLength(4)
    for (const value of Object.values(us)) expect(value).toBeGreaterThan(0)
  }

  for (const loop of ['encode', 'decode']) {
    const taken = JSON.parse(read(`${loop}.cpuprofile`))
    expect(taken.samples.length).toBe(taken.timeDeltas.length)
    expect(taken.samples.length).toBeGreaterThan(50)
    const ids = new Set(taken.nodes.map(({ id }: { id: number }) => id))
    expect(taken.samples.every((id: number) => ids.has(id))).toBe(true)
    const named = taken.nodes.map(({ callFrame }: { callFrame: { functionName: string } }) => callFrame.functionName)
    expect(named).toContain(loop)
  }

  const page = read('flame-graph.html')
  expect(page).not.toMatch(/https?:|src=|href=|@import|url\(/)
  const script = /<script>(.*)<\/script>/s.exec(page)?.[1] ?? ''
  expect(new Script(script)).toBeInstanceOf(Script)
  const data = JSON.parse(/^const \{ title, tree \} = (.*)$/m.exec(script)?.[1] ?? '') as { tree: Frame }
  expect(data.tree.children.map(({ name }) => name).sort()).toEqual(['decode', 'encode'])
  const check = (frame: Frame): void => {
    const below = frame.children.reduce((sum, { totalUs }) => sum + totalUs, 0)
    // What is too narrow to be seen is left out.
    expect(below + frame.selfUs).toBeLessThanOrEqual(frame.totalUs)
    frame.children.forEach(check)
  }
  check(data.tree)
  for (const { children } of data.tree.children) expect(children.length).toBeGreaterThan(0)

  // Drawn in a page that is only pretended: the bars are there, and a click widens one.
  const drawn = new Page()
  runInNewContext(script, { document: drawn })
  expect(drawn.names().slice(0, 2)).toEqual(['(all)', data.tree.children[0]?.name])
  const narrow = drawn.bars.find(({ textContent }) => textContent === data.tree.children[1]?.name)
  expect(narrow?.style.cssText).not.toContain('width:100%')
  narrow?.onclick()
  expect(drawn.bars[1]).toMatchObject({
    textContent: narrow?.textContent,
    style: { cssText: expect.stringContaining('width:100%') },
  })
})

test('a JSON array is taken as well, and names and values that are awkward', () => {
  const records = [
    { id: 1, when: '2024-05-06T07:08:09.123Z', ['__proto__']: 1, list: [{ at: '2024-05-06T07:08:09Z' }] },
    { id: 2, when: 'never', note: '</script><b>', list: [] },
    {},
  ]
  const text = `\uFEFF\n ${JSON.stringify(records, undefined, 2).replaceAll('"id"', '"__proto__": {"a": 1}, "id"')}`
  // The page names the file, whatever it is called.
  mkdirSync(join(folder, '<'))
  const { status, said, complained } = profile('</script>.json', text, '--out', 'array')
  expect({ status, complained }).toEqual({ status: 0, complained: '' })
  // Not every text at `when` is a date.
  expect(said).toContain('Dates: list.at, found by their form')
  expect(readFileSync(join(folder, 'array/flame-graph.html'), 'utf8').match(/<\/script>/g)).toHaveLength(1)
})

test('dates that are named are those, and none when there are to be none', () => {
  const text = '{"a":"2024-05-06T07:08:09.123Z","b":"2024-05-06T07:08:09.123Z"}\n'.repeat(20)
  expect(profile('dates.ndjson', text, '--dates', 'b').said).toContain('\nDates: b\n')
  expect(profile('dates.ndjson', text, '--dates', 'none').said).toContain('\nDates: none\n')
  const wrong = profile('dates.ndjson', text, '--dates', 'c')
  expect(wrong).toMatchObject({ status: 1, complained: "--dates: no record has a text at 'c'.\n" })
})

test.each([
  ['{"a":1}\n\n{"a":2\n', /bad\.ndjson:3: .*JSON/],
  ['{"a":1}\n[1]\n', /bad\.ndjson:2: a record is an object, and this is an array/],
  ['{"a":1}\n5\n', /bad\.ndjson:2: .*a number/],
  ['[{"a":1}, null]', /bad\.ndjson, element 1: .*null/],
  ['\n\n', /bad\.ndjson has no records/],
])('what is no record is refused with its line, and nothing is written: %j', (text, message) => {
  mkdirSync(join(folder, 'kept'), { recursive: true })
  const { status, complained } = profile('bad.ndjson', text, '--out', 'none')
  expect(status).toBe(1)
  expect(complained).toMatch(message)
  expect(complained.trim().split('\n')).toHaveLength(1)
  expect(existsSync(join(folder, 'none'))).toBe(false)
})

test('a file that is not there, and options that are none, are told in a line', () => {
  const tool = join(root, 'tools/profile-codec/profile-codec.mjs')
  const run = (...args: string[]) => spawnSync(process.execPath, [tool, ...args], { cwd: folder, encoding: 'utf8' })
  expect(run('absent.ndjson')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/absent\.ndjson cannot be read: ENOENT/),
  })
  expect(run()).toMatchObject({ status: 1, stderr: expect.stringMatching(/^Usage: /) })
  expect(run('a', '--second', '3')).toMatchObject({ status: 1, stderr: expect.stringMatching(/--second/) })
  expect(run('a', '--seconds', '0')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/--seconds takes a number/),
  })
})
