/**
 * A flame graph of CPU profiles as one HTML file: no network, no library. A bar is a function under its callers, as wide
 * as the time that was spent in it and in what it called. A click widens a bar to the whole, the search colours functions.
 *
 *   (all)
 *   ├ encode ──────────────────┬ decode ──────────────┐
 *   │ #encodeWith ───┬ writeFields…
 */
import { basename } from 'node:path'

/** Bars narrower than this share of the whole are left out: nobody could see them. */
const MIN_SHARE = 0.0005
/** Frames of V8 itself that belong to the codec's work. */
const COLLECTOR = '(garbage collector)'

/** The page. `profiles`: name → profile; `title` is text, not HTML. */
export function flameGraph(profiles, title) {
  // In a script only `<` could end it early.
  const data = JSON.stringify({ title, tree: treeOf(profiles) }).replaceAll('<', '\\u003c')
  return PAGE.replace('"DATA"', () => data)
}

/**
 * Gives `{ name, place, selfUs, totalUs, children }`: below `(all)` the profiles by their names, below each the functions by
 * caller, widest first, equal ones joined.
 */
function treeOf(profiles) {
  const children = Object.entries(profiles).map(([name, profile]) => frame(name, codecFrames(profile)))
  const root = summed(frame('(all)', children))
  return pruned(root, MIN_SHARE * root.totalUs)
}

function frame(name, children) {
  return { name, place: '', selfUs: 0, totalUs: 0, children }
}

/** The outermost frames of the codec, and the collector; what lies above them is how the loop was run. */
function codecFrames({ nodes, samples, timeDeltas }) {
  const selfUs = new Map()
  for (const [at, id] of samples.entries()) selfUs.set(id, (selfUs.get(id) ?? 0) + timeDeltas[at])
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const outermost = ({ callFrame, children = [], id }) => {
    if (isOfCodec(callFrame)) return [frameOf(byId.get(id), byId, selfUs)]
    return children.flatMap((child) => outermost(byId.get(child)))
  }
  // The first node is the root.
  return outermost(nodes[0])
}

function isOfCodec({ functionName, url }) {
  if (functionName === COLLECTOR) return true
  return url.startsWith('file:') && !url.includes('/tools/profile-codec/')
}

function frameOf({ id, callFrame, children = [] }, byId, selfUs) {
  const { functionName, url, lineNumber } = callFrame
  return {
    name: functionName === '' ? '(anonymous)' : functionName,
    place: url === '' ? '' : `${basename(url)}:${lineNumber + 1}`,
    selfUs: selfUs.get(id) ?? 0,
    totalUs: 0,
    children: children.map((child) => frameOf(byId.get(child), byId, selfUs)),
  }
}

/** Joins children that are the same function, and adds up. */
function summed(frame) {
  const byPlace = new Map()
  for (const child of frame.children) {
    const key = `${child.name}\n${child.place}`
    const known = byPlace.get(key)
    if (known === undefined) byPlace.set(key, { ...child, children: [...child.children] })
    else {
      known.selfUs += child.selfUs
      known.children.push(...child.children)
    }
  }
  const children = [...byPlace.values()].map(summed).sort((a, b) => b.totalUs - a.totalUs)
  const totalUs = children.reduce((sum, child) => sum + child.totalUs, frame.selfUs)
  return { ...frame, totalUs, children }
}

function pruned(frame, leastUs) {
  const children = frame.children.filter(({ totalUs }) => totalUs >= leastUs).map((child) => pruned(child, leastUs))
  return { ...frame, children }
}

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>Codec flame graph</title>
<style>
  :root { color-scheme: light dark; font: 14px/1.4 system-ui, sans-serif }
  body { margin: 1.5rem }
  h1 { font-size: 1.1rem; margin: 0 0 .75rem }
  #bar { display: flex; gap: .75rem; align-items: center; margin-bottom: .75rem; flex-wrap: wrap }
  #graph { position: relative; width: 100% }
  #graph button { position: absolute; height: 20px; box-sizing: border-box; border: 0; padding: 0 4px; margin: 0;
    border-right: 1px solid Canvas; border-bottom: 1px solid Canvas; overflow: hidden; white-space: nowrap;
    text-align: left; text-overflow: ellipsis; font: 12px/19px ui-monospace, monospace; color: #1b1b1b; cursor: pointer }
  #graph button:hover, #graph button:focus-visible { outline: 2px solid Highlight; outline-offset: -2px; z-index: 1 }
  #graph .found { background: #d946ef !important; color: #fff }
  #detail { min-height: 1.5em; font-family: ui-monospace, monospace }
</style>
<h1></h1>
<div id="bar">
  <label>Search <input id="search" type="search" autocomplete="off"></label>
  <button id="reset" type="button">Whole picture</button>
  <span id="matched"></span>
</div>
<div id="graph"></div>
<p id="detail"></p>
<script>
'use strict'
const { title, tree } = "DATA"
const ROW = 20
const graph = document.getElementById('graph')
const detail = document.getElementById('detail')
const search = document.getElementById('search')
document.querySelector('h1').textContent = 'Codec flame graph: ' + title
let focus = [tree]
const share = (us) => (100 * us / tree.totalUs).toFixed(1) + ' %'
const describe = (frame) => frame.name + '  ' + frame.place + '   with callees ' + share(frame.totalUs) + ', itself ' + share(frame.selfUs)
function colour(frame) {
  let hash = 0
  for (const char of frame.place + frame.name) hash = (hash * 31 + char.charCodeAt(0)) >>> 0
  return 'hsl(' + (20 + hash % 40) + ' 85% ' + (62 + hash % 13) + '%)'
}
function bar(path, left, width, depth) {
  const frame = path[path.length - 1]
  const element = document.createElement('button')
  element.type = 'button'
  element.textContent = frame.name
  element.title = describe(frame)
  element.style.cssText = 'left:' + left + '%;width:' + width + '%;top:' + depth * ROW + 'px;background:' + colour(frame)
  const text = search.value.trim().toLowerCase()
  if (text !== '' && (frame.name + frame.place).toLowerCase().includes(text)) element.classList.add('found')
  element.onclick = () => { focus = path; draw() }
  element.onmouseenter = element.onfocus = () => { detail.textContent = describe(frame) }
  graph.append(element)
}
let deepest = 0
function drawBelow(path, left, width, depth) {
  deepest = Math.max(deepest, depth)
  bar(path, left, width, depth)
  const frame = path[path.length - 1]
  let at = left
  for (const child of frame.children) {
    const part = width * child.totalUs / frame.totalUs
    if (part > 0.05) drawBelow([...path, child], at, part, depth + 1)
    at += part
  }
}
function foundUs(frame, text) {
  if ((frame.name + frame.place).toLowerCase().includes(text)) return frame.totalUs
  return frame.children.reduce((sum, child) => sum + foundUs(child, text), 0)
}
function draw() {
  graph.replaceChildren()
  deepest = 0
  for (let depth = 0; depth < focus.length - 1; depth++) bar(focus.slice(0, depth + 1), 0, 100, depth)
  drawBelow(focus, 0, 100, focus.length - 1)
  graph.style.height = (deepest + 1) * ROW + 'px'
  const text = search.value.trim().toLowerCase()
  document.getElementById('matched').textContent = text === '' ? '' : share(foundUs(tree, text)) + ' of the time'
}
search.oninput = draw
document.getElementById('reset').onclick = () => { focus = [tree]; search.value = ''; draw() }
draw()
</script>
</html>
`
