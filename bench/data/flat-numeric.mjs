/** Readings of sensors: 12 fields, all numbers but one boolean, about 198 bytes as JSON. */
import { seededRandom } from './random.mjs'

export function readings(count, seed = 1) {
  const random = seededRandom(seed)
  const first = random.whole(100_000, 900_000)
  return Array.from({ length: count }, (_, at) => reading(random, first + at))
}

function reading(random, id) {
  return {
    id,
    sensor: random.whole(1, 400),
    time: Date.UTC(2024, 0, 1) + random.whole(0, 31_536_000) * 1000 + random.whole(0, 999),
    temp: random.whole(-200, 450) / 10,
    humidity: random.whole(0, 10_000) / 100,
    pressure: Math.fround(950 + random.unit() * 100),
    x: random.unit() * random.unit() * 100,
    y: random.unit() * random.unit() - 0.5,
    count: random.whole(0, 1_000_000),
    delta: random.whole(-500, 500),
    ok: random.unit() < 0.9,
    error: random.unit() < 0.95 ? 0 : random.whole(1, 40),
  }
}
