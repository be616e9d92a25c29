import { describe, expect, it } from 'vitest'
import { closeChecked, freshPlatform, openOn, withDatabase } from '../fixture.ts'

/** "Values" and "Records and ids": what is stored comes back exactly, what cannot be is refused with its path. */

const ACCEPTED: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['true', true],
  ['minus zero', -0],
  ['NaN', Number.NaN],
  ['infinity', Number.NEGATIVE_INFINITY],
  ['the smallest number', Number.MIN_VALUE],
  ['a large bigint', -(2n ** 200n) - 1n],
  ['an empty string', ''],
  ['a lone surrogate', 'a\ud800b'],
  ['a string of several scripts', 'Zürich 東京 😀'],
  ['a date', new Date(-1)],
  ['bytes', new Uint8Array([0, 255, 7])],
  ['floats', new Float32Array([1.5, Number.NaN])],
  ['doubles', new Float64Array([-0, 1e300])],
  ['an empty array', []],
  ['a mixed array', [null, 1, 'a', [true], { b: 2n }]],
  ['an empty object', {}],
  ['an object whose keys look like numbers', { 2: 'b', 1: 'a', z: 0 }],
]

const REFUSED: readonly (readonly [string, unknown, string])[] = [
  ['a function', () => 1, 'c.v'],
  ['a symbol', Symbol('s'), 'c.v'],
  ['a class instance', new (class A {})(), 'c.v'],
  ['a Map', new Map(), 'c.v'],
  ['a Set in an object', { s: new Set() }, 'c.v.s'],
  ['a Uint16Array', new Uint16Array(1), 'c.v'],
  ['an invalid Date', new Date(Number.NaN), 'c.v'],
  ['undefined in an array', [1, undefined], 'c.v[1]'],
  ['a hole', Object.assign([1], { 2: 3 }), 'c.v[1]'],
]

describe('values', () => {
  it.each(ACCEPTED)('%s comes back exactly, also after a reopen', async (_, value) => {
    const platform = freshPlatform()
    const first = await openOn(platform)
    await first.collection('c').insert({ id: 1, v: value, nested: { v: [value] } })
    const expected = { id: 1, v: value, nested: { v: [value] } }
    expect(first.collection('c').get(1)).toStrictEqual(expected)
    await closeChecked(first)
    const second = await openOn(platform)
    expect(second.collection('c').get(1)).toStrictEqual(expected)
    await closeChecked(second)
  })

  it.each(REFUSED)('%s is refused with its path', async (_, value, path) => {
    await withDatabase(async (db) => {
      const refused = db.collection('c').insert({ id: 1, v: value })
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_VALUE', details: { path } })
      expect(db.collection('c').count()).toBe(0)
    })
  })

  it('a cycle and too much depth are refused', async () => {
    await withDatabase(async (db) => {
      const cycle: { self?: unknown } = {}
      cycle.self = cycle
      let deep: unknown = 1
      for (let i = 0; i < 70; i++) deep = [deep]
      for (const v of [cycle, deep]) {
        await expect(db.collection('c').insert({ v })).rejects.toMatchObject({ code: 'INVALID_VALUE' })
      }
    })
  })

  it('a field that is undefined is dropped, null is kept, and the two differ', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      expect(await c.insert({ id: 1, gone: undefined, none: null, deep: { gone: undefined } })).toStrictEqual({
        id: 1,
        none: null,
        deep: {},
      })
      expect(c.where({ gone: { exists: true } }).count()).toBe(0)
      expect(c.where({ none: { exists: true } }).count()).toBe(1)
    })
  })

  it('__proto__ is a field like any other and pollutes nothing', async () => {
    await withDatabase(async (db) => {
      const record = JSON.parse('{"id":1,"__proto__":{"polluted":true},"deep":{"__proto__":2}}') as { id: number }
      const stored = await db.collection('c').insert(record)
      const updated = await db.collection('c').update(1, { extra: 1 })
      for (const each of [stored, updated, db.collection('c').get(1)!]) {
        expect(Object.keys(each)).toContain('__proto__')
        expect(Object.getPrototypeOf(each)).toBe(Object.prototype)
        expect(JSON.stringify(each)).toContain('"__proto__":{"polluted":true}')
      }
      expect(Reflect.get({}, 'polluted')).toBeUndefined()
    })
  })

  it('toJSON is never called, a Buffer comes back as a Uint8Array, a null-prototype object as a plain one', async () => {
    await withDatabase(async (db) => {
      const bare = Object.assign(Object.create(null) as object, { a: 1 })
      const stored = await db.collection('c').insert({ id: 1, buffer: Buffer.from('ab'), bare })
      expect(stored).toStrictEqual({ id: 1, buffer: new Uint8Array([97, 98]), bare: { a: 1 } })
      const toJSON = { toJSON: () => 'called' }
      await expect(db.collection('c').insert({ v: toJSON })).rejects.toMatchObject({ code: 'INVALID_VALUE' })
    })
  })

  it('names that begin with $ at the top of a record are refused, deeper ones are not', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      await expect(c.insert({ id: 1, $score: 1 })).rejects.toMatchObject({
        code: 'INVALID_VALUE',
        details: { path: 'c.$score' },
      })
      await c.insert({ id: 1, deep: { $date: 'x' } })
      await expect(c.update(1, { $a: 1 })).rejects.toMatchObject({ code: 'INVALID_VALUE' })
      expect(c.get(1)).toEqual({ id: 1, deep: { $date: 'x' } })
    })
  })
})

describe('ids', () => {
  it('are strings of 1 to 512 bytes or safe integers, and 1 is not "1"', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      const ids = [1, '1', -5, 0, Number.MAX_SAFE_INTEGER, 'x', 'ä'.repeat(256), 'y'.repeat(512), '\u0000']
      for (const id of ids) await c.insert({ id, own: String(id) })
      for (const id of ids) expect(c.get(id)).toEqual({ id, own: String(id) })
      for (const id of ['', 'x'.repeat(513), '\ud800', 1.5, Number.NaN, 2 ** 53, null, true, 1n]) {
        await expect(c.insert({ id: id as number })).rejects.toMatchObject({ code: 'INVALID_VALUE' })
      }
      expect(c.count()).toBe(ids.length)
    })
  })

  it('are made as UUIDv7 that only rise, when an insert has none', async () => {
    await withDatabase(async (db) => {
      const made: string[] = []
      for (let i = 0; i < 200; i++) made.push(String((await db.collection('c').insert({ n: i })).id))
      expect(made).toEqual([...made].sort())
      expect(new Set(made).size).toBe(200)
      for (const id of made) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    })
  })

  it('long strings that share their beginning are told apart', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      const ids = Array.from({ length: 300 }, (_, i) => `${'prefix-'.repeat(20)}${i}`)
      await c.insertMany(ids.map((id, n) => ({ id, n })))
      for (const [n, id] of ids.entries()) expect(c.get(id)?.['n']).toBe(n)
      expect(c.get(`${'prefix-'.repeat(20)}300`)).toBeUndefined()
    })
  })

  it('of a read are checked: what cannot be an id is simply not there, what is no id at all is refused', async () => {
    await withDatabase(async (db) => {
      expect(db.collection('c').get('')).toBeUndefined()
      expect(db.collection('c').has(1.5)).toBe(false)
      expect(() => db.collection('c').get({} as never)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    })
  })
})

describe('ownership', () => {
  it('every record returned is a fresh object: changing it changes nothing else', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      const input = { id: 1, list: [1], bytes: new Uint8Array([1]), at: new Date(0), deep: { a: 1 } }
      const expected = structuredClone(input)
      const pending = c.insert(input)
      const spoil = (record: object | undefined): void => {
        const each = record as typeof input
        each.list.push(2)
        each.bytes[0] = 9
        each.at.setTime(5)
        each.deep.a = 2
      }
      spoil(input)
      spoil(await pending)
      spoil(await c.update(1, { n: 1 }))
      spoil(c.get(1))
      spoil(c.all()[0])
      spoil(c.where({ id: 1 }).first())
      for await (const row of c.query()) spoil(row)
      spoil(db.snapshot().collection('c').get(1))
      await db.transaction((tx) => {
        spoil(tx.collection('c').get(1))
        spoil(tx.collection('c').update(1, { n: 2 }))
        spoil(tx.collection('c').get(1))
        spoil(tx.collection('c').all()[0])
        spoil(tx.collection('c').where({ n: 2 }).first())
      })
      expect(c.get(1)).toEqual({ ...expected, n: 2 })
    })
  })

  it('the record that an update function gets is frozen, deep', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      await c.insert({ id: 1, deep: { list: [{ a: 1 }] } })
      await c.update(1, (record) => {
        const { deep } = record as unknown as { deep: { list: { a: number }[] } }
        expect(() => deep.list.push({ a: 2 })).toThrow(TypeError)
        expect(() => {
          deep.list[0]!.a = 2
        }).toThrow(TypeError)
        return {}
      })
    })
  })
})
