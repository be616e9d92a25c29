/** `node generate.mjs 5000 > orders.ndjson`: orders of a shop, the same ones each time. */
const count = Number(process.argv[2] ?? 5000)

let state = 7
const random = (below) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return Math.floor((state / 2 ** 32) * below)
}
const pick = (list) => list[random(list.length)]

const CITIES = ['Zürich', 'Lisbon', 'Kraków', 'Oslo', '東京', 'Montréal']
const STATES = ['new', 'paid', 'packed', 'sent', 'returned']
const GOODS = ['lamp', 'chair', 'desk', 'shelf', 'rug', 'clock', 'vase']

for (let number = 1; number <= count; number++) {
  const placedMs = Date.UTC(2025, 0, 1) + random(3e10)
  const items = Array.from({ length: 1 + random(4) }, () => ({
    sku: `${pick(GOODS)}-${random(90)}`,
    count: 1 + random(3),
    price: (100 + random(20_000)) / 100,
  }))
  const order = {
    id: `o-${number}`,
    customer: { name: `Customer ${random(800)}`, city: pick(CITIES), vip: random(10) === 0 },
    state: pick(STATES),
    items,
    total: Math.round(100 * items.reduce((sum, { count, price }) => sum + count * price, 0)) / 100,
    placedAt: new Date(placedMs),
    ...(random(3) === 0 ? { sentAt: new Date(placedMs + random(5e8)), carrier: pick(['post', 'bike', 'truck']) } : {}),
    ...(random(8) === 0
      ? { note: `Please ring twice, ${pick(CITIES)} is loud. ${'Thank you! '.repeat(1 + random(4))}` }
      : {}),
  }
  process.stdout.write(`${JSON.stringify(order)}\n`)
}
