import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { BlazeError, ERROR_CODES } from '../../src/base/errors.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')
const source = readFileSync(join(root, 'src/base/errors.ts'), 'utf8')

/** The rows of the tables: code, what `details` holds, the description. */
const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (.*?) ?\| (.+) \|$/gm)].map(
  ([, code = '', details = '', text = '']) => ({
    code,
    details: [...details.matchAll(/`(\w+)\??`/g)].map(([, name = '']) => name),
    text,
  }),
)

test('every code is described once, and no other', () => {
  expect(rows.map(({ code }) => code).sort()).toEqual([...ERROR_CODES].sort())
  for (const { code, text } of rows) expect(`${code}: ${text}`).toMatch(/: .{20,}/)
})

test('the codes that may be tried again are marked, and no other', () => {
  const marked = rows.filter(({ text }) => text.startsWith('**retry**')).map(({ code }) => code)
  // The details do not matter to what is asked here.
  const retryable = ERROR_CODES.filter((code) => new BlazeError(code, '', undefined as never).retryable)
  expect(marked.sort()).toEqual([...retryable].sort())
})

test('the details of each code are those of its type', () => {
  const interfaceText = /interface ErrorDetails \{(.*?)\n\}/s.exec(source)?.[1] ?? ''
  const types = new Map(
    [...interfaceText.matchAll(/^ {2}([A-Z_]+): (.*)$/gm)].map(([, code = '', type = '']) => [code, type]),
  )
  for (const { code, details } of rows) {
    const outer = (types.get(code) ?? '').replace(/readonly \{.*\}\[\]/, 'list')
    const names = [...outer.matchAll(/readonly (\w+)\??:/g)].map(([, name = '']) => name)
    expect({ code, details }).toEqual({ code, details: names })
  }
})
