import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Pages written for people, from the root of the repository. */
const pages: readonly string[] = [
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...readdirSync(join(root, 'docs/decisions')).map((name) => `docs/decisions/${name}`),
]

const read = (page: string): string => readFileSync(join(root, page), 'utf8')

/** The text without its code, in which brackets are no links. */
function prose(text: string): string {
  return text.replace(/```.*?```/gs, '').replace(/`[^`\n]*`/g, '')
}

/** The targets of a page's links. */
function targets(page: string): string[] {
  return [...prose(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
}

/** The anchors that headings of a page have. */
function anchors(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => title)
  return new Set(
    headings.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  )
}

/** What is wrong with a link; undefined when it resolves. */
function broken(page: string, target: string): string | undefined {
  if (/^https?:/.test(target)) return undefined
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? page : join(dirname(page), path)
  if (!existsSync(join(root, file))) return `${page}: ${target} does not exist`
  if (anchor !== undefined && !anchors(read(file)).has(anchor)) return `${page}: ${target} has no such heading`
  return undefined
}

describe('the pages of the repository', () => {
  test.each(pages.filter((page) => !page.endsWith('template.md')))('%s: every link resolves', (page) => {
    expect(targets(page).flatMap((target) => broken(page, target) ?? [])).toEqual([])
  })

  test('a link to what is not there is found out', () => {
    expect(broken('ARCHITECTURE.md', 'src/engine/no-such-file.ts')).toBe(
      'ARCHITECTURE.md: src/engine/no-such-file.ts does not exist',
    )
    expect(broken('docs/guide.md', '../ARCHITECTURE.md#no-such-heading')).toContain('no such heading')
  })

  test('ARCHITECTURE.md names all layers, and stays below 250 lines', () => {
    const text = read('ARCHITECTURE.md')
    expect(text.split('\n').length).toBeLessThan(250)
    const layers = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect(layers.map(({ name }) => name).filter((name) => !text.includes(name))).toEqual([])
  })

  test('every invariant of ARCHITECTURE.md has a test', () => {
    const rows = [...read('ARCHITECTURE.md').matchAll(/^\| (\d+) \|.*\| (.*?) ?\|$/gm)]
    expect(rows.map(([, number]) => Number(number))).toEqual(Array.from({ length: 17 }, (_, i) => i + 1))
    const untested = rows.filter(([, , tests = '']) => !/\]\(test\/.*\.test\.ts\)/.test(tests))
    expect(untested.map(([, number]) => number)).toEqual([])
  })
})

describe('the decision records', () => {
  const records = pages.filter((page) => /decisions\/\d{4}-/.test(page))
  const headings = [...read('docs/decisions/template.md').matchAll(/^## .*$/gm)].map(([heading]) => heading)

  test('are numbered without gaps', () => {
    expect(records.map((page) => Number(/\d{4}/.exec(page)?.[0]))).toEqual(records.map((_, index) => index + 1))
  })

  test.each(records)('%s follows the template and is linked', (page) => {
    const text = read(page)
    expect([...text.matchAll(/^## .*$/gm)].map(([heading]) => heading)).toEqual(headings)
    expect(text).toMatch(/^# \d{4}: .+\n\nStatus: (accepted|superseded by \[)/)
    expect(targets('ARCHITECTURE.md')).toContain(page)
    expect(targets('docs/decisions/README.md')).toContain(page.replace('docs/decisions/', ''))
  })
})
