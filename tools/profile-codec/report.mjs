/** The report as text. */

const NAME_WIDTH = 28
/** Rows of the tables of sizes that are shown. */
const SHOWN_FIELDS = 64
const SHOWN_PARTS = 32

/** What the codec says that bytes are for (AnatomyKind). */
const KINDS = {
  shape: 'which names and types an object has',
  name: 'names that stand in the bytes, or their numbers',
  tag: 'what kind of value follows',
  length: 'how many units, elements or bytes',
  text: 'the units of strings',
  choice: 'strings of a dictionary, by number',
  flag: 'booleans and nulls',
  number: 'numbers and bigints',
  uuid: 'UUIDs as 16 bytes',
  date: 'dates',
  bytes: 'contents of byte arrays and vectors',
  extension: 'of a later version',
}

/** Names of a shape that are shown. */
const SHOWN_NAMES = 6

export function formatReport(report) {
  return [
    formatInput(report),
    formatFields(report),
    formatKinds(report),
    formatParts(report),
    formatFieldTimes(report),
    formatShapes(report),
    formatComparison(report),
  ].join('\n\n')
}

function formatInput({ file, records, total, dates, sized, timed }) {
  const part = total > records ? ` (the first of more; --records takes more)` : ''
  const how = dates.found ? ', found by their form (--dates names others, or none)' : ''
  const named = dates.paths.length === 0 ? 'none' : `${dates.paths.join(', ')}${how}`
  return [
    `${file}: ${records} records${part}`,
    `Dates: ${named}`,
    `Sizes are of ${sized} of the records, times of ${timed}.`,
  ].join('\n')
}

function formatFields({ sizes: { total, fields, rest }, sized }) {
  const row = (name, count, sizes) => [
    name,
    count,
    each(sizes.json, sized),
    each(sizes.single, sized),
    each(sizes.batch, sized),
    share(sizes, total),
  ]
  const others = fields.slice(SHOWN_FIELDS)
  const sum = (key) => others.reduce((sum, field) => sum + field[key], 0)
  return table(
    'Bytes by field, per record, exactly',
    ['field', 'records', 'JSON', 'one', 'batch', 'share'],
    [
      ...fields.slice(0, SHOWN_FIELDS).map((field) => row(field.name, field.count, field)),
      ...(others.length === 0
        ? []
        : [
            row(`(${others.length} smaller fields)`, '', {
              json: sum('json'),
              single: sum('single'),
              batch: sum('batch'),
            }),
          ]),
      row('(of no field)', '', rest),
      row('(all)', sized, total),
    ],
  )
}

function formatKinds({ sizes: { kinds, total }, sized }) {
  const rows = kinds.map((sizes) => [
    `${sizes.kind}: ${KINDS[sizes.kind]}`,
    each(sizes.single, sized),
    each(sizes.batch, sized),
    share(sizes, total),
  ])
  return table(
    `Bytes by kind, per record; definitions, once: ${total.definitions} B`,
    ['kind', 'one', 'batch', 'share'],
    rows,
  )
}

function formatParts({ sizes: { parts, total }, sized }) {
  const rows = parts
    .slice(0, SHOWN_PARTS)
    .map((part) => [
      `${part.path.length === 0 ? '(of no field)' : part.path.join('.')}, ${part.kind}`,
      each(part.single, sized),
      each(part.batch, sized),
      share(part, total),
    ])
  const more = parts.length > SHOWN_PARTS ? `: the ${SHOWN_PARTS} largest of ${parts.length}, all in report.json` : ''
  return table(`Bytes by field and kind, per record${more}`, ['field, kind', 'one', 'batch', 'share'], rows)
}

function formatFieldTimes({ fieldTimes: { fields, whole, noise, others } }) {
  const cell = (ns, noiseNs) => (ns < noiseNs ? `< ${noiseNs.toFixed(0)}` : ns.toFixed(0))
  const sorted = [...fields].sort((a, b) => b.encodeNs + b.decodeNs - a.encodeNs - a.decodeNs)
  const rows = sorted.map(({ name, encodeNs, decodeNs }) => [
    name,
    cell(encodeNs, noise.encodeNs),
    cell(decodeNs, noise.decodeNs),
  ])
  rows.push(['(the whole record)', whole.encodeNs.toFixed(0), whole.decodeNs.toFixed(0)])
  if (others > 0) rows.push([`(${others} rarer fields)`, 'not timed', ''])
  return table('Nanoseconds by field, per record: what it takes less without it', ['field', 'encode', 'decode'], rows)
}

function formatShapes({ shapeTimes: { shapes, others } }) {
  const rows = shapes.map(({ names, count, encodeNs, decodeNs }) => [
    shapeName(names),
    count,
    encodeNs.toFixed(0),
    decodeNs.toFixed(0),
  ])
  if (others > 0) rows.push([`(${others} rarer shapes)`, '', 'not timed', ''])
  return table('Nanoseconds by shape, per record of it', ['shape', 'records', 'encode', 'decode'], rows)
}

function shapeName(names) {
  const more = names.length - SHOWN_NAMES
  return `${names.slice(0, SHOWN_NAMES).join(' ')}${more > 0 ? ` +${more}` : ''}`
}

function formatComparison({ comparison, missing }) {
  const json = comparison.find(({ name }) => name === 'JSON')
  const percent = (bytes, of) => `${((100 * bytes) / of).toFixed(0)} %`
  const rows = comparison.map(({ name, failed, single, batch, ratios }) => {
    if (failed !== undefined) return [name, `cannot take this data: ${failed}`]
    return [
      name,
      percent(single, json.single),
      percent(batch, json.batch),
      ...Object.values(ratios).map((ratio) => `${ratio.toFixed(1)}×`),
    ]
  })
  for (const name of missing) rows.push([name, 'not installed: npm install it beside your data to see it here'])
  const inexact = comparison.filter(({ exact }) => exact === false).map(({ name }) => name)
  const heads = ['codec', 'size one', 'size batch', 'encode one', 'decode one', 'encode batch', 'decode batch']
  const text = table(
    'Beside other codecs: sizes as shares of JSON, speeds as multiples of JSON (higher is faster)',
    heads,
    rows,
  )
  return inexact.length === 0
    ? text
    : `${text}\nDo not give back the same values (dates become texts, say): ${inexact.join(', ')}.`
}

function share(sizes, total) {
  return `${((100 * sizes.single) / total.single).toFixed(1)} %`
}

function each(bytes, records) {
  return (bytes / records).toFixed(1)
}

function table(title, heads, rows) {
  const all = [heads, ...rows].map((row) => row.map(String))
  const widths = heads.map((head, at) =>
    Math.max(head.length, ...all.map((row) => (row.length === heads.length ? row[at].length : 0))),
  )
  widths[0] = Math.max(NAME_WIDTH, ...all.map(([name]) => name.length))
  const lines = all.map((row) =>
    row
      .map((cell, at) =>
        at === 0 ? cell.padEnd(widths[0]) : row.length === heads.length ? cell.padStart(widths[at]) : cell,
      )
      .join('  '),
  )
  return [title, ...lines.map((line) => `  ${line.trimEnd()}`)].join('\n')
}
