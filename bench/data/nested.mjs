/** Orders: a customer with address and position, items, totals, free labels and a history; about 848 bytes as JSON. */
import { sentence } from './english.mjs'
import { seededRandom } from './random.mjs'

const FIRST = ['Anna', 'Boris', 'Chen', 'Dalia', 'Emil', 'Fatima', 'Goran', 'Hana', 'Igor', 'Julia', 'Kofi', 'Lena']
const LAST = [
  'Meyer',
  'Novak',
  'Okafor',
  'Petrov',
  'Quist',
  'Rossi',
  'Sato',
  'Tanaka',
  'Ueda',
  'Varga',
  'Weber',
  'Young',
]
const CITIES = ['Berlin', 'Lagos', 'Lima', 'Madrid', 'Oslo', 'Prague', 'Riga', 'Seoul', 'Turin', 'Vienna']
const COLORS = ['black', 'white', 'red', 'green', 'blue', 'grey']
const SIZES = ['XS', 'S', 'M', 'L', 'XL']
const STATES = ['placed', 'paid', 'packed', 'shipped']
const LABELS = Array.from({ length: 200 }, (_, at) => `label-${at}`)
const DAY_MS = 86_400_000

export function orders(count, seed = 1) {
  const random = seededRandom(seed)
  const first = random.whole(10_000, 90_000)
  return Array.from({ length: count }, (_, at) => order(random, first + at))
}

function order(random, number) {
  const items = Array.from({ length: random.whole(1, 5) }, () => item(random))
  const net = items.reduce((sum, { price, quantity }) => sum + price * quantity, 0)
  return {
    id: `ORD-${number}`,
    customer: customer(random),
    items,
    totals: {
      net: cents(net),
      tax: cents(net * 0.19),
      gross: cents(net * 1.19),
      currency: random.pick(['EUR', 'USD']),
    },
    labels: Object.fromEntries(
      Array.from({ length: random.whole(0, 4) }, () => [random.pick(LABELS), sentence(random, 4, 14)]),
    ),
    history: history(random),
  }
}

function customer(random) {
  const [first, last] = [random.pick(FIRST), random.pick(LAST)]
  return {
    id: random.whole(1, 50_000),
    name: [first, last].join(' '),
    email: [first, '.', last, '@example.org'].join('').toLowerCase(),
    address: {
      street: sentence(random, 8, 20),
      house: random.whole(1, 200),
      city: random.pick(CITIES),
      postcode: String(random.whole(10_000, 99_999)),
      geo: { lat: random.whole(-9_000_000, 9_000_000) / 100_000, lon: random.whole(-18_000_000, 18_000_000) / 100_000 },
    },
  }
}

function item(random) {
  return {
    sku: ['SKU', random.whole(1000, 9999)].join('-'),
    title: sentence(random, 8, 20),
    quantity: random.whole(1, 6),
    price: random.whole(199, 24_999) / 100,
    attrs: { color: random.pick(COLORS), size: random.pick(SIZES) },
  }
}

function history(random) {
  let atMs = Date.UTC(2024, 0, 1) + Math.floor(random.unit() * 365 * DAY_MS)
  return STATES.slice(0, random.whole(1, STATES.length)).map((state) => {
    atMs += random.whole(60_000, DAY_MS)
    return { state, at: new Date(atMs), by: random.pick(FIRST) }
  })
}

function cents(amount) {
  return Math.round(amount * 100) / 100
}
