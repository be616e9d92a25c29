/**
 * Dates, which JSON does not have: texts at some paths are made Dates. A path names fields with dots between; it goes
 * through the elements of arrays by itself, so `history.at` is the field `at` of every element of `history`.
 */
import { UsageError } from './options.mjs'

const FULL_FORM = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z$/

/**
 * The paths of dates: those that were named, or, with none named, those at which every text has the full form and is
 * a date. Gives `{ paths, found }`; `found`: by their form.
 */
export function datesOf(records, named) {
  if (named?.length === 1 && named[0] === 'none') return { paths: [], found: false }
  const texts = new Map()
  for (const record of records) collectTexts(record, '', texts)
  if (named === undefined) {
    const paths = [...texts].filter(([, isDate]) => isDate).map(([path]) => path)
    return { paths, found: true }
  }
  for (const path of named) {
    if (!texts.has(path)) throw new UsageError(`--dates: no record has a text at '${path}'.`)
    if (!texts.get(path))
      throw new UsageError(`--dates: not every text at '${path}' is a date of the form 2024-05-06T07:08:09.123Z.`)
  }
  return { paths: named, found: false }
}

/** Copies of the records, with dates at the paths. */
export function withDates(records, paths) {
  const dated = new Set(paths)
  return records.map((record) => revived(record, '', dated))
}

/** Makes the texts at the paths dates, in the record itself: what a program does after JSON.parse. */
export function dateReviver(paths) {
  const steps = paths.map((path) => path.split('.'))
  return (record) => {
    for (const names of steps) reviveAt(record, names, 0)
    return record
  }
}

function reviveAt(value, names, at) {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      if (at === names.length && typeof value[i] === 'string') value[i] = new Date(value[i])
      else reviveAt(value[i], names, at)
    }
    return
  }
  if (typeof value !== 'object' || value === null || at === names.length) return
  const name = names[at]
  const child = value[name]
  if (typeof child !== 'string') reviveAt(child, names, at + 1)
  else if (at === names.length - 1) value[name] = new Date(child)
}

/** Path → whether every text there is a date. */
function collectTexts(value, path, texts) {
  if (typeof value === 'string') texts.set(path, (texts.get(path) ?? true) && isDate(value))
  else if (Array.isArray(value)) for (const element of value) collectTexts(element, path, texts)
  else if (typeof value === 'object' && value !== null) {
    for (const [name, child] of Object.entries(value)) collectTexts(child, joined(path, name), texts)
  }
}

/** True when the text is a date, and the date gives the text back. */
function isDate(text) {
  if (!FULL_FORM.test(text)) return false
  const date = new Date(text)
  return (
    !Number.isNaN(date.getTime()) && (date.toISOString() === text || date.toISOString().replace('.000Z', 'Z') === text)
  )
}

function revived(value, path, dated) {
  if (typeof value === 'string') return dated.has(path) ? new Date(value) : value
  if (Array.isArray(value)) return value.map((element) => revived(element, path, dated))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => [name, revived(child, joined(path, name), dated)]),
  )
}

function joined(path, name) {
  return path === '' ? name : `${path}.${name}`
}
