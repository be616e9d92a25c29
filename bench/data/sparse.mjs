/**
 * Assets with 4 to 15 of 60 optional fields, of mixed types: some fields hold a string here and a number there, some are
 * null. Nearly every record has keys that no other has. About 282 bytes as JSON.
 */
import { sentence } from './english.mjs'
import { seededRandom } from './random.mjs'

const KINDS = ['device', 'licence', 'vehicle', 'room', 'contract', 'sample']
const NAMES =
  'serialNumber manufacturer modelYear purchasePrice currency warrantyMonths location floor building owner department costCentre supplier invoice orderNumber weightKg heightCm widthCm depthCm color material voltage powerWatts hostname macAddress operatingSystem version licenceKey seats expiresOn renewal mileage fuel plate capacity projector accessible counterparty signedOn noticeDays annualFee batch storage temperature hazardous barcode remarks rating inspected inspector nextInspection insured policy depreciation residualValue tags contact phone channel priority'.split(
    ' ',
  )

/** What the field at a place of NAMES holds, by turns. */
const VALUES = [
  (random) => sentence(random, 12, 30),
  (random) => random.whole(0, 100_000),
  (random) => random.whole(0, 1_000_000) / 100,
  (random) => sentence(random, 6, 16),
  (random) => random.unit() < 0.5,
  (random) => (random.unit() < 0.5 ? random.whole(1, 999) : String(random.whole(1000, 99_999))),
  (random) => (random.unit() < 0.3 ? null : sentence(random, 16, 48)),
  (random) => Array.from({ length: random.whole(1, 3) }, () => sentence(random, 5, 13)),
]

export function assets(count, seed = 1) {
  const random = seededRandom(seed)
  const first = random.whole(1000, 9000)
  return Array.from({ length: count }, (_, at) => asset(random, first + at))
}

function asset(random, number) {
  const wanted = random.whole(4, 15)
  const places = new Set()
  while (places.size < wanted) places.add(random.whole(0, NAMES.length - 1))
  const fields = [...places].sort((a, b) => a - b).map((at) => [NAMES[at], VALUES[at % VALUES.length](random)])
  return Object.fromEntries([['id', ['AS', number].join('-')], ['kind', random.pick(KINDS)], ...fields])
}
