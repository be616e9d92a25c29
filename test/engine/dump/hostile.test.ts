import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isBlazeError } from '../../../src/base/errors.ts'
import { csvRows, ndjsonRows } from '../../../src/engine/dump/text-rows.ts'
import { byteStreams } from '../../../src/platform/streams.ts'
import { fields } from '../../../src/testing/arbitraries/record.ts'
import { mutate, randomOf } from '../../codec/mutate.ts'
import { effort } from '../../support/effort.ts'
import { figure } from '../../support/figure.ts'
import { seed } from '../../support/seed.ts'
import { withDatabase } from '../fixture.ts'

test('mutated dumps load or are refused, never hang or crash, and what is loaded can be dumped again', async () => {
  let inputs = 0
  await withDatabase(async (db, platform) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fields(), { minLength: 1, maxLength: 4 }),
        fc.constantFrom('ndjson', 'csv'),
        fc.boolean(),
        fc.nat(),
        async (rows, format, gzip, from) => {
          await db.collection('from').clear()
          await db.collection('from').insertMany(rows.map((row, id) => ({ ...row, id })))
          const plain = db.dumpStream('from', { format: format as 'csv' })
          const pieces: Uint8Array[] = []
          for await (const piece of gzip ? byteStreams.gzip(plain) : plain) pieces.push(piece)
          const mutated = mutate(Buffer.concat(pieces), [SEVERAL], randomOf(from))
          await db.collection('to').clear()
          try {
            await db.load(of(mutated), { collection: 'to', format: format as 'csv', onError: () => undefined })
          } catch (error) {
            expect(isBlazeError(error), String(error)).toBe(true)
          }
          for await (const piece of db.dumpStream('to', { format: format as 'csv' })) inputs += piece.length > 0 ? 1 : 0
        },
      ),
      { seed: seed(), numRuns: effort(150) },
    )
    expect(platform.files.openHandles).toBeLessThan(10)
  })
  figure('dump', 'mutated inputs loaded or refused', effort(150))
  expect(inputs).toBeGreaterThan(0)
})

/** What is copied into the middle of others. */
const SEVERAL = new TextEncoder().encode('\n{"$date":1},"""\\J[]:json,$rest\r\n')

async function* of(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

const words = [
  '"',
  '""',
  ',',
  ';',
  '\n',
  '\r',
  '\r\n',
  '\\',
  '\\J',
  '\\N',
  '{',
  '}',
  '[',
  ']',
  ':',
  'null',
  '1e999',
  '-0',
  'id:number',
  '$rest:json',
  '__proto__',
  '\0',
  '\ufeff',
  '\ud800',
  '{"$date":"',
  '"a":1',
]

test('random text of what CSV and NDJSON are made of is rows or a refusal', () => {
  const text = fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, fc.boolean(), (source, infer) => {
      for (const reader of [ndjsonRows(1000), csvRows(1000, {}), csvRows(1000, { infer })]) {
        try {
          for (const row of [...reader.push(source), ...reader.end()]) {
            if (row.fault !== undefined) expect(isBlazeError(row.fault, 'INVALID_VALUE')).toBe(true)
          }
        } catch (error) {
          expect(isBlazeError(error), String(error)).toBe(true)
        }
      }
      expect(Object.prototype).not.toHaveProperty('a')
    }),
    { seed: seed(), numRuns: effort(2000) },
  )
})

test('endless lines, bombs of zeros and towers of brackets end at a bound', async () => {
  await withDatabase(async (db) => {
    const load = (source: AsyncIterable<Uint8Array>, format: 'ndjson' | 'csv') =>
      db.load(source, { collection: 'c', format, maxLineLength: 1_000_000 })
    let given = 0
    async function* endless(text: string): AsyncGenerator<Uint8Array> {
      for (;;) {
        given++
        yield new TextEncoder().encode(text.repeat(10_000))
      }
    }
    for (const text of ['x', '"', '[', '{"a":', ',', '"\n,']) {
      for (const format of ['ndjson', 'csv'] as const) {
        given = 0
        await expect(load(endless(text), format)).rejects.toSatisfy((error) => isBlazeError(error))
        expect(given).toBeLessThan(300)
      }
    }
    given = 0
    await expect(load(byteStreams.gzip(endless('\0')), 'ndjson')).rejects.toMatchObject({ code: 'TOO_LARGE' })
    const tower = `{"a":${'['.repeat(400_000)}${']'.repeat(400_000)}}`
    await expect(load(of(new TextEncoder().encode(tower)), 'ndjson')).rejects.toMatchObject({ code: 'INVALID_VALUE' })
    expect(db.collections()).toEqual([])
  })
})
