import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Projection } from '../../src/codec/projection.ts'
import { RecordCodec } from '../../src/codec/record-codec.ts'
import { ShapeTable } from '../../src/codec/shapes.ts'
import { arbitraries } from '../../src/testing/arbitraries.ts'
import { expectSame } from './same.ts'

const texts = arbitraries.text()

const NAMES = ['id', 'title', 'a', '__proto__', 'b', 'tags', 'z']

/** Records of a few shapes: each field there or not. */
const records = fc
  .record({ id: texts.filter((text) => text.length > 0), title: texts, a: arbitraries.value({ vectors: true }) })
  .chain((first) =>
    fc
      .record({ b: arbitraries.value({ vectors: true }), tags: fc.array(texts), z: fc.integer() }, { requiredKeys: [] })
      .map((rest) => ({ ...first, ...rest })),
  )

for (const codeGeneration of [true, false]) {
  test(`a projection has the wanted fields of the record, code generation ${codeGeneration ? 'on' : 'off'}`, () => {
    // Room for every shape: a record without one is read whole.
    const codec = new RecordCodec({ keyed: true, codeGeneration, shapes: new ShapeTable(4096) })
    const subsets = [[], ['z'], ['a'], ['id'], ['title', 'b'], ['id', 'tags', 'missing'], NAMES]
    const projections = subsets.map((names) => {
      const wanted = new Set(names)
      return { wanted, projection: new Projection(codec.shapes, wanted, { keyed: true, codeGeneration }) }
    })
    fc.assert(
      fc.property(records, (record) => {
        const view = codec.encode(record, 'bugs')
        const frame = new Uint8Array(view.length + 20).fill(0xee)
        frame.set(view, 7)
        for (const { wanted, projection } of projections) {
          const found = projection.read(frame, 7, 7 + view.length, record.id)
          const whole = codec.decode(frame, 7, 7 + view.length, record.id)
          expectSame(found, Object.fromEntries(Object.entries(whole).filter(([name]) => wanted.has(name))))
        }
      }),
      { numRuns: 1000, seed: 4 },
    )
  })
}

test('a record without a shape is read whole', () => {
  const codec = new RecordCodec({ keyed: true })
  const record = Object.fromEntries([['id', 'k'], ...Array.from({ length: 300 }, (_, i) => [`name${i}`, i])])
  const projection = new Projection(codec.shapes, new Set(['name7']), { keyed: true, codeGeneration: true })
  for (let i = 0; i < 40; i++) {
    const view = codec.encode(record, 'bugs').slice()
    expect(projection.read(view, 0, view.length, 'k')['name7']).toBe(7)
  }
})

test('bytes that end before the wanted field are refused', () => {
  const codec = new RecordCodec({ keyed: true })
  const view = codec.encode({ id: 'k', a: 'x'.repeat(200), z: 5 }, 'bugs').slice()
  const projection = new Projection(codec.shapes, new Set(['z']), { keyed: true, codeGeneration: false })
  for (let size = 0; size < view.length; size++) {
    expect(() => projection.read(view, 0, size, 'k')).toThrow(expect.objectContaining({ code: 'CODEC' }))
  }
})
