import fc from 'fast-check'
import type { Shape } from './record.ts'
import { text } from './scalars.ts'

/** A few fields of everyday kinds, for collections that are about nothing in particular. */
export function everydayShape(ids: fc.Arbitrary<string | number>): Shape {
  return {
    id: ids,
    n: fc.integer({ min: 0, max: 25 }),
    text: text({ maxLength: 40 }),
    tags: fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 3, size: 'max' }),
  }
}
