import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import { isBlazeError } from '../../src/base/errors.ts'
import type { Change, Operation } from '../../src/base/operation.ts'
import { decodeOperation, decodeOperations, encodeOperation, encodeOperations } from '../../src/codec/operation.ts'
import { fields } from '../../src/testing/arbitraries/record.ts'
import { arbitraries } from '../../src/testing/arbitraries.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { bugs, randomOf } from './bugs.ts'
import { expectSame } from './same.ts'

const names = arbitraries.name()
const records = fields()

const replica = Uint8Array.from({ length: 16 }, (_, i) => 17 * i)

const base: Operation = { replica, seq: 1, hlcMs: 1.7e12, hlcCounter: 0, schema: 1, changes: [] }
const insert: Change = { collection: 'bugs', id: 'b1', kind: 'insert', fields: { title: 'Crash', votes: 7 } }

/** One operation for each bug, as a device that inserts them one by one has them. */
function inserts(count: number): Operation[] {
  return bugs(count).map((bug, i) => ({
    ...base,
    seq: 1 + i,
    hlcMs: base.hlcMs + 40 * i,
    changes: [{ collection: 'bugs', id: bug.id, kind: 'insert', fields: bug }],
  }))
}

const ids = fc.oneof(
  fc.string({ minLength: 1, maxLength: 30 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  fc.uuid(),
  fc.integer(),
  fc.maxSafeInteger().map((n) => n || 0),
)

const changes: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ collection: names, id: ids, kind: fc.constant('insert' as const), fields: records }),
  fc.record(
    {
      collection: fc.constantFrom('bugs', 'people'),
      id: ids,
      kind: fc.constant('update' as const),
      fields: records,
      removed: fc.array(names, { maxLength: 4 }),
    },
    { requiredKeys: ['collection', 'id', 'kind'] },
  ),
  fc.record({ collection: fc.constantFrom('bugs', 'people'), id: ids, kind: fc.constant('delete' as const) }),
  // A whole record, its id first, as an application has it.
  fc
    .tuple(ids, records)
    .map(([id, fields]): Change => ({ collection: 'bugs', id, kind: 'insert', fields: { id, ...fields } })),
)

const whole48 = fc.oneof(fc.nat(300), fc.integer({ min: 1, max: 2 ** 31 - 1 }), fc.constantFrom(2 ** 48 - 1, 2 ** 40))

const operations: fc.Arbitrary<Operation> = fc.record({
  replica: fc.oneof(fc.constant(replica), fc.uint8Array({ minLength: 16, maxLength: 16 })),
  seq: whole48.map((n) => Math.max(1, n)),
  hlcMs: whole48,
  hlcCounter: fc.oneof(fc.constant(0), fc.nat(0xffff)),
  schema: fc.oneof(fc.constant(1), whole48),
  changes: fc.array(changes, { maxLength: 5 }),
})

test('every operation comes back exactly, alone and among others, and equal ones have equal bytes', () => {
  const runs = effort(300)
  fc.assert(
    fc.property(fc.array(operations, { maxLength: 6 }), (list) => {
      const together = encodeOperations(list)
      expectSame(decodeOperations(together), list)
      for (const operation of list) {
        const alone = encodeOperation(operation)
        expectSame(decodeOperation(alone), operation)
        expect(toHex(encodeOperation(decodeOperation(alone)))).toBe(toHex(alone))
      }
    }),
    { numRuns: runs, seed: seed() },
  )
})

test('one operation is a batch of one', () => {
  const operation = { ...base, changes: [insert] }
  expect(encodeOperations([operation])).toEqual(encodeOperation(operation))
  expect(decodeOperations(encodeOperations([]))).toEqual([])
})

test('a thousand inserts take less than 45 % of a thousand requests with JSON and the fewest headers', () => {
  const list = inserts(1000)
  const restSizes = list.map(({ changes: [change] }) => {
    const body = JSON.stringify(change?.fields)
    const head = `POST /bugs HTTP/1.1\r\nHost: hub.example\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`
    return `${head}\r\n\r\n${body}`.length
  })
  const restBytes = restSizes.reduce((sum, size) => sum + size, 0)
  expect(encodeOperations(list).length).toBeLessThan(0.45 * restBytes)
})

test('an operation among its like takes little more than its record: at most 8 bytes', () => {
  const list = inserts(1000)
  const empty = list.map((operation) => ({
    ...operation,
    changes: operation.changes.map(({ collection, id, kind }) => ({ collection, id, kind })),
  }))
  // 16 bytes are the id, which the record does not repeat.
  expect(encodeOperations(empty).length).toBeLessThan(1000 * (16 + 8))
})

test('a single insert costs at most 72 bytes beside its fields', () => {
  const operation = { ...base, changes: [{ ...insert, id: bugs(1)[0]!.id, fields: {} }] }
  expect(encodeOperation(operation).length).toBeLessThanOrEqual(72)
})

test('what comes back belongs to the caller', () => {
  const operation = { ...base, changes: [insert, { ...insert, id: 'b2' }] }
  const bytes = Buffer.from(encodeOperations([operation, { ...operation, seq: 2 }]))
  const [first, second] = decodeOperations(bytes)
  first?.replica.fill(0)
  bytes.fill(0)
  expect(second?.replica).toEqual(replica)
  expect(first?.changes[0]).toEqual(insert)
})

test.each<readonly [string, unknown]>([
  ['replica', { ...base, replica: new Uint8Array(15) }],
  ['replica', { ...base, replica: 'abc' }],
  ['seq', { ...base, seq: 0 }],
  ['seq', { ...base, seq: 1.5 }],
  ['seq', { ...base, seq: 2 ** 48 }],
  ['hlcMs', { ...base, hlcMs: -1 }],
  ['hlcCounter', { ...base, hlcCounter: 65536 }],
  ['schema', { ...base, schema: Number.NaN }],
  ['changes', { ...base, changes: undefined }],
  ['changes[0]', { ...base, changes: [null] }],
  ['changes[1].kind', { ...base, changes: [insert, { ...insert, kind: 'upsert' }] }],
  ['changes[0].collection', { ...base, changes: [{ ...insert, collection: 3 }] }],
  ['changes[0].id', { ...base, changes: [{ ...insert, id: '' }] }],
  ['changes[0].id', { ...base, changes: [{ ...insert, id: '\ud800' }] }],
  ['changes[0].id', { ...base, changes: [{ ...insert, id: 2 ** 53 }] }],
  ['changes[0].id', { ...base, changes: [{ ...insert, id: { a: 1 } }] }],
  ['changes[0].fields', { ...base, changes: [{ ...insert, kind: 'delete' }] }],
  ['changes[0].removed', { ...base, changes: [{ ...insert, removed: [] }] }],
  ['changes[0].removed[1]', { ...base, changes: [{ ...insert, kind: 'update', removed: ['a', 1] }] }],
  ['changes[0].fields', { ...base, changes: [{ ...insert, fields: [] }] }],
  ['changes[0].fields', { ...base, changes: [{ ...insert, fields: new Map() }] }],
  [
    'changes[2].fields.tags[3]',
    {
      ...base,
      changes: [
        insert,
        { ...insert, kind: 'delete', fields: undefined },
        { ...insert, fields: { tags: [1, 2, 3, () => 4] } },
      ],
    },
  ],
  ['changes[0].fields.$score', { ...base, changes: [{ ...insert, fields: { $score: 1 } }] }],
])('a refusal names %s', (path, operation) => {
  // What is refused is no operation, which is the point.
  const given = operation as Operation
  expect(() => encodeOperation(given)).toThrow(expect.objectContaining({ code: 'INVALID_VALUE', details: { path } }))
  expect(() => encodeOperations([base, given])).toThrow(
    expect.objectContaining({ code: 'INVALID_VALUE', details: { path: `[1].${path}` } }),
  )
})

test('a refused message begins with its path', () => {
  const changes: readonly Change[] = [{ ...insert, fields: { a: [Symbol('no') as never] } }]
  expect(() => encodeOperation({ ...base, changes })).toThrow(
    /^changes\[0\]\.fields\.a\[0\]: a symbol cannot be stored/,
  )
})

test('what a later version adds at the end of a head, or of everything, is skipped', () => {
  const bytes = encodeOperation({ ...base, changes: [insert] })
  expectSame(decodeOperation(Uint8Array.of(...bytes, 1, 2, 3)), { ...base, changes: [insert] })
  // The head is the last part, and its size the byte before it.
  const size = 1 + 1 + 1 + 6 + 1 + 1 + 1 + 3
  const at = bytes.length - size - 1
  expect(bytes[at]).toBe(size)
  const longer = Uint8Array.of(...bytes.subarray(0, at), size + 2, ...bytes.subarray(at + 1), 0xde, 0xad)
  expectSame(decodeOperation(longer), { ...base, changes: [insert] })
})

test('a field id takes no bytes when it comes first and is the id, and comes back wherever it stood', () => {
  const sizeOf = (fields: Change['fields'], id: string | number = 'b1'): number => {
    const operation = { ...base, changes: [{ ...insert, id, fields: fields! }] }
    const bytes = encodeOperation(operation)
    expectSame(decodeOperation(bytes).changes[0]?.fields, fields)
    return bytes.length
  }
  expect(sizeOf({ id: 'b1', title: 'x' })).toBe(sizeOf({ title: 'x' }))
  for (const fields of [
    { title: 'x', id: 'b1' },
    { id: 'b2', title: 'x' },
  ])
    expect(sizeOf(fields)).toBeGreaterThan(sizeOf({ title: 'x' }))
  sizeOf({ id: -0, title: 'x' }, -0)
  sizeOf({ id: '1', title: 'x' }, 1)
})

test('a row that no change has, and flags of a later version, are refused', () => {
  const bytes = encodeOperation({ ...base, changes: [insert] })
  // What ends the bytes: flags, replica, seq, six bytes of time, schema, then what, name, and three bytes of id.
  const rowless = bytes.slice()
  rowless[bytes.length - 5]! -= 4
  expect(() => decodeOperation(rowless)).toThrow(/1 rows, of which 0 are used/)
  const flagged = bytes.slice()
  flagged[bytes.length - 15]! += 16
  expect(() => decodeOperation(flagged)).toThrow(/of a later version/)
})

test('operations of a later format are refused as such', () => {
  expect(() => decodeOperation(Uint8Array.of(1, 0))).toThrow(/format 1/)
})

test('the bytes of several operations are not one', () => {
  const two = encodeOperations([base, { ...base, seq: 2 }])
  for (const bytes of [two, encodeOperations([])])
    expect(() => decodeOperation(bytes)).toThrow(expect.objectContaining({ code: 'CODEC', details: { offset: 1 } }))
})

test('every prefix is refused, with an offset in the bytes', () => {
  const bytes = encodeOperations([
    { ...base, changes: [insert] },
    { ...base, seq: 2, changes: [insert, insert] },
  ])
  for (let end = 0; end < bytes.length; end++) {
    try {
      decodeOperations(bytes.subarray(0, end))
      expect.fail(`${end} of ${bytes.length} bytes were taken`)
    } catch (error) {
      if (!isBlazeError(error, 'CODEC')) throw error
      expect(error.details.offset).toBeLessThanOrEqual(end)
    }
  }
})

test('mutated operations give operations or CODEC, and what is given can be encoded', () => {
  const random = randomOf(seed())
  const source = encodeOperations([
    { ...base, changes: [insert, { collection: 'people', id: 5, kind: 'update', fields: { a: 1n }, removed: ['b'] }] },
    { ...base, seq: 2, changes: [{ collection: 'bugs', id: bugs(1)[0]!.id, kind: 'delete' }] },
    { ...base, replica: new Uint8Array(16), seq: 9, changes: [] },
  ])
  let decoded = 0
  for (let i = 0; i < effort(8000); i++) {
    const bytes = source.slice(0, random(10) === 0 ? random(source.length) : source.length)
    for (let n = 0; n <= random(3); n++) bytes[random(bytes.length)] = random(256)
    try {
      const list = decodeOperations(bytes)
      decoded++
      expectSame(decodeOperations(encodeOperations(list)), list)
    } catch (error) {
      if (!isBlazeError(error, 'CODEC')) throw error
      expect(error.details.offset).toBeLessThanOrEqual(bytes.length)
    }
  }
  expect(decoded).toBeGreaterThan(100)
})
