/**
 * A history as a picture: a lane for each session, time from left to right, a box for each transaction with what it did, and
 * the circle of an anomaly as arrows, the kind of each edge on it. One SVG that needs nothing else.
 *
 *   a  ┌ T1 ─────────┐        Only the order of begins and ends is to scale: columns are as wide as the boxes need.
 *      │ read x → 0  │ ──rw x──╮
 *      └─────────────┘         ▼
 *   b      ┌ T2 ───────────────────┐
 */
import { type Anomaly, type AnomalyStep, anomalyTitle } from './anomaly.ts'
import type { DependencyKind } from './dependency-graph.ts'
import { assertShown, type History, type HistoryTransaction, showOperation } from './history.ts'

const FONT = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace'
const CHARACTER = 7.3
const LINE = 17
const PADDING = 10
const HEAD = 22
/** Between events that are not a box's own begin and end. */
const GAP = 26
const LANE_GAP = 76
const MARGIN = 24
/** The most characters of an operation that a box shows. */
const MAX_LABEL = 60
/** The most operations that a box shows. */
const MAX_LINES = 12
const LEGEND_LINE = 18
/** How far an arrow within a lane leaves it. */
const ARC = 36
/** Between the arrows of one circle, where they would lie on each other. */
const SPREAD = 64

const COLOURS: Readonly<Record<DependencyKind, string>> = {
  ww: '#b3261e',
  wr: '#1a6fb0',
  rw: '#b06000',
  'rw-predicate': '#8a3ffc',
  session: '#5f6b76',
  'real-time': '#5f6b76',
}

interface Box {
  readonly transaction: HistoryTransaction
  readonly lines: readonly string[]
  readonly lane: number
  readonly left: number
  readonly width: number
  readonly top: number
  readonly height: number
}

/**
 * The picture as the text of an SVG file.
 * @example
 * writeFileSync('anomaly.svg', historySvg(shrinkHistory(history), anomalies[0]))
 */
export function historySvg(history: History, anomaly?: Anomaly): string {
  assertShown(history, anomaly)
  const lanes = lanesOf(history)
  const labelWidth = Math.max(...lanes.names.map((name) => name.length), 0) * CHARACTER + PADDING * 2
  const title = anomaly === undefined ? undefined : anomalyTitle(anomaly.name)
  const boxes = placed(history, lanes, MARGIN + labelWidth, title === undefined ? MARGIN : MARGIN + LEGEND_LINE * 2.5)
  const steps = anomaly?.cycle ?? []
  const legend =
    anomaly === undefined
      ? []
      : anomaly.text
          .split('\n')
          .slice(2)
          .map((line) => line.trim())
  const right = Math.max(0, ...boxes.map((box) => box.left + box.width))
  const bottom = Math.max(MARGIN, ...boxes.map((box) => box.top + box.height)) + ARC / 2
  const textWidth = Math.max(0, ...[title ?? '', ...legend].map((line) => line.length)) * CHARACTER + MARGIN
  const width = Math.ceil(Math.max(right, textWidth) + MARGIN)
  const height = Math.ceil(bottom + MARGIN + (legend.length === 0 ? 0 : (legend.length + 1) * LEGEND_LINE))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family='${FONT}' font-size="12">`,
    defs(),
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...(anomaly === undefined || title === undefined
      ? []
      : [
          text(MARGIN, MARGIN + 8, anomaly.name, 'font-size="15" font-weight="bold" fill="#1b1f24"'),
          text(MARGIN, MARGIN + 8 + LEGEND_LINE, title, 'fill="#5f6b76"'),
        ]),
    ...lanes.names.map((name, lane) => laneMark(name, lane, boxes, width)),
    ...boxes.map((box) => drawBox(box, anomaly?.transactions.includes(box.transaction.id) === true)),
    ...steps.map((step, i) => drawStep(step, i, steps, boxes)),
    ...legend.map((line, i) =>
      text(MARGIN, bottom + MARGIN + LEGEND_LINE * (i + 1), line, `fill="${colourOf(steps[i])}"`),
    ),
    '</svg>',
    '',
  ].join('\n')
}

function colourOf(step: AnomalyStep | undefined): string {
  return step === undefined ? '#1b1f24' : COLOURS[step.kind]
}

interface Lanes {
  readonly names: readonly string[]
  readonly of: ReadonlyMap<HistoryTransaction, number>
}

/** A lane a session; who belongs to none has one of its own. */
function lanesOf({ transactions }: History): Lanes {
  const names: string[] = []
  const bySession = new Map<string, number>()
  const of = new Map<HistoryTransaction, number>()
  for (const transaction of transactions) {
    const { session } = transaction
    const known = session === undefined ? undefined : bySession.get(session)
    const lane = known ?? names.push(session ?? '') - 1
    if (session !== undefined) bySession.set(session, lane)
    of.set(transaction, lane)
  }
  return { names, of }
}

function placed(history: History, lanes: Lanes, left: number, top: number): Box[] {
  const { transactions } = history
  const lines = transactions.map(linesOf)
  const widths = transactions.map((each, i) => widthOf(each, lines[i]!))
  const columns = columnsOf(transactions, widths)
  const heights = lines.map((each) => HEAD + each.length * LINE + PADDING)
  const laneTops: number[] = []
  let y = top + LANE_GAP / 2
  for (const lane of lanes.names.keys()) {
    laneTops.push(y)
    const inLane = transactions.flatMap((each, i) => (lanes.of.get(each) === lane ? [heights[i]!] : []))
    y += Math.max(0, ...inLane) + LANE_GAP
  }
  return transactions.map((transaction, i) => {
    const lane = lanes.of.get(transaction)!
    const { begin, end } = columns[i]!
    return {
      transaction,
      lines: lines[i]!,
      lane,
      left: left + begin,
      width: end - begin,
      top: laneTops[lane]!,
      height: heights[i]!,
    }
  })
}

function linesOf({ operations }: HistoryTransaction): string[] {
  const lines = operations.map((operation) => cut(showOperation(operation)))
  return lines.length <= MAX_LINES
    ? lines
    : [...lines.slice(0, MAX_LINES - 1), `… ${lines.length - MAX_LINES + 1} more`]
}

function cut(line: string): string {
  return line.length <= MAX_LABEL ? line : `${line.slice(0, MAX_LABEL - 1)}…`
}

function headOf({ id, status }: HistoryTransaction): string {
  return status === 'committed' ? id : `${id} (${status === 'aborted' ? 'rolled back' : 'outcome unknown'})`
}

function widthOf(transaction: HistoryTransaction, lines: readonly string[]): number {
  return Math.max(headOf(transaction).length + 2, ...lines.map((line) => line.length)) * CHARACTER + PADDING * 2
}

/** Where each begins and ends: events in their order, each box as wide as its text. Without times one comes after another. */
function columnsOf(
  transactions: readonly HistoryTransaction[],
  widths: readonly number[],
): { begin: number; end: number }[] {
  const isTimed = transactions.every(({ begin }) => begin !== undefined)
  const events = transactions.flatMap(({ begin = 0, end }, i) => [
    { i, isEnd: false, at: isTimed ? begin : i * 2 },
    { i, isEnd: true, at: isTimed ? (end ?? Number.POSITIVE_INFINITY) : i * 2 + 1 },
  ])
  events.sort((a, b) => a.at - b.at || Number(a.isEnd) - Number(b.isEnd))
  const columns = transactions.map(() => ({ begin: 0, end: 0 }))
  let x = 0
  for (const [order, { i, isEnd }] of events.entries()) {
    if (order > 0) x += GAP
    const column = columns[i]!
    if (isEnd) column.end = x = Math.max(x, column.begin + widths[i]!)
    else column.begin = x
  }
  return columns
}

function defs(): string {
  const markers = Object.entries(COLOURS).map(
    ([kind, colour]) =>
      `<marker id="end-${kind}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L10 5L0 10z" fill="${colour}"/></marker>`,
  )
  return `<defs>${markers.join('')}</defs>`
}

function laneMark(name: string, lane: number, boxes: readonly Box[], width: number): string {
  const first = boxes.find((box) => box.lane === lane)
  if (first === undefined || name === '') return ''
  const y = first.top + HEAD / 2 + 4
  const line = `<line x1="${MARGIN}" x2="${width - MARGIN}" y1="${first.top + HEAD / 2}" y2="${first.top + HEAD / 2}" stroke="#d8dee4" stroke-dasharray="2 4"/>`
  const label = `<rect x="${MARGIN - 4}" y="${y - 14}" width="${name.length * CHARACTER + 10}" height="20" fill="#ffffff"/>`
  return `${line}${label}${text(MARGIN, y, name, 'fill="#5f6b76"')}`
}

function drawBox({ transaction, lines, left, top, width, height }: Box, isPart: boolean): string {
  const isCommitted = transaction.status === 'committed'
  const stroke = isPart ? '#1b1f24' : '#a8b1ba'
  const dash = isCommitted ? '' : ' stroke-dasharray="5 4"'
  const ink = isCommitted ? '#1b1f24' : '#5f6b76'
  return [
    `<g><rect x="${left}" y="${top}" width="${width}" height="${height}" rx="6" fill="#f6f8fa" stroke="${stroke}" stroke-width="${isPart ? 1.6 : 1}"${dash}/>`,
    text(left + PADDING, top + 16, headOf(transaction), `font-weight="bold" fill="${ink}"`),
    ...lines.map((line, i) => text(left + PADDING, top + HEAD + LINE * i + 12, line, `fill="${ink}"`)),
    '</g>',
  ].join('')
}

/** An arrow, set off a little from the others that leave or reach its boxes. */
function drawStep(step: AnomalyStep, at: number, steps: readonly AnomalyStep[], boxes: readonly Box[]): string {
  const from = boxes.find((box) => box.transaction.id === step.from)
  const to = boxes.find((box) => box.transaction.id === step.to)
  if (from === undefined || to === undefined) return ''
  const shift = (at - (steps.length - 1) / 2) * SPREAD
  const { path, label } = from.lane === to.lane ? arc(from, to, shift) : across(from, to, shift)
  const colour = COLOURS[step.kind]
  const dash = step.kind === 'session' || step.kind === 'real-time' ? ' stroke-dasharray="6 4"' : ''
  const words = step.key === undefined ? step.kind : `${step.kind} ${cut(step.key)}`
  const size = words.length * CHARACTER + 10
  return [
    `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"${dash} marker-end="url(#end-${step.kind})"/>`,
    `<rect x="${round(label.x - size / 2)}" y="${round(label.y - 10)}" width="${round(size)}" height="18" rx="9" fill="#ffffff" stroke="${colour}"/>`,
    text(round(label.x), round(label.y + 3), words, `text-anchor="middle" fill="${colour}"`),
  ].join('')
}

interface Arrow {
  readonly path: string
  readonly label: { readonly x: number; readonly y: number }
}

/** Within a lane: forth over the boxes, back under them. */
function arc(from: Box, to: Box, shift: number): Arrow {
  const [x1, x2] = [middle(from) + shift / 4, middle(to) + shift / 4]
  const isForth = from.left < to.left
  const [y1, y2] = isForth ? [from.top, to.top - 1] : [from.top + from.height, to.top + to.height + 1]
  const y = isForth ? from.top - ARC : Math.max(y1, y2) + ARC
  return {
    path: `M${round(x1)} ${y1}C${round(x1)} ${y} ${round(x2)} ${y} ${round(x2)} ${y2}`,
    label: { x: (x1 + x2) / 2, y: (y1 + y2 + 6 * y) / 8 },
  }
}

/** From lane to lane: between the boxes. */
function across(from: Box, to: Box, shift: number): Arrow {
  const isDown = from.top < to.top
  const [x1, x2] = crossing(from, to, shift)
  const y1 = isDown ? from.top + from.height : from.top
  const y2 = isDown ? to.top - 1 : to.top + to.height + 1
  const half = (y1 + y2) / 2
  return {
    path: `M${round(x1)} ${round(y1)}C${round(x1)} ${round(half)} ${round(x2)} ${round(half)} ${round(x2)} ${round(y2)}`,
    label: { x: (x1 + x2) / 2, y: half + (shift > 0 ? 11 : shift < 0 ? -11 : 0) },
  }
}

/** Straight down where the boxes are above each other, else from middle to middle. */
function crossing(from: Box, to: Box, shift: number): readonly [number, number] {
  const left = Math.max(from.left, to.left)
  const right = Math.min(from.left + from.width, to.left + to.width)
  if (right - left > Math.abs(shift) * 2 + 24) return [(left + right) / 2 + shift, (left + right) / 2 + shift]
  const within = (box: Box, x: number): number => Math.min(box.left + box.width - 12, Math.max(box.left + 12, x))
  return [within(from, middle(from) + shift), within(to, middle(to) + shift)]
}

function middle(box: Box): number {
  return box.left + box.width / 2
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function text(x: number, y: number, words: string, attributes: string): string {
  return `<text x="${round(x)}" y="${round(y)}" xml:space="preserve" ${attributes}>${escaped(words)}</text>`
}

const NAMES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Characters that XML cannot have become the sign for what cannot be shown. */
function escaped(words: string): string {
  return words.replace(/[&<>"']/g, (c) => NAMES[c]!).replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/gu, '\ufffd')
}
