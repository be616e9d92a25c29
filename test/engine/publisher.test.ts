import { expect, it } from 'vitest'
import type { CommitNumber, Lsn } from '../../src/base/ids.ts'
import { Publisher } from '../../src/engine/publisher.ts'

/** A publisher with so many full commits on their way; commit n ends at n. */
function waiting(count: number): { publisher: Publisher; settled: number[]; refused: unknown[] } {
  const publisher = new Publisher({ commit: 0 as CommitNumber, end: 0 as Lsn }, () => undefined)
  const settled: number[] = []
  const refused: unknown[] = []
  for (let n = 1; n <= count; n++) {
    publisher.push({
      commit: n as CommitNumber,
      end: n as Lsn,
      durability: 'full',
      settle: (error) => (error === undefined ? settled.push(n) : refused.push(error.code)),
    })
  }
  return { publisher, settled, refused }
}

it('a long queue is published as far as the log is durable, and goes on from there', () => {
  const { publisher, settled } = waiting(3000)
  for (const durable of [1500, 1500, 2900, 3000]) {
    publisher.advanced(durable as Lsn, durable as Lsn)
    expect([publisher.visible, settled.length, publisher.pendingCount]).toEqual([durable, durable, 3000 - durable])
  }
  expect(settled).toEqual(Array.from({ length: 3000 }, (_, i) => i + 1))
})

it('who waits for a commit is called when it is visible, and not by one before it', () => {
  const { publisher } = waiting(3)
  const called: unknown[] = []
  publisher.whenVisible(2 as CommitNumber, (error) => called.push(error))
  publisher.advanced(1 as Lsn, 1 as Lsn)
  expect(called).toEqual([])
  publisher.advanced(2 as Lsn, 2 as Lsn)
  expect(called).toEqual([undefined])
})

it('a failure is told once to everybody who waits, and the first one stays', () => {
  const { publisher, settled, refused } = waiting(3)
  publisher.whenVisible(3 as CommitNumber, (error) => refused.push(error?.code))
  publisher.advanced(1 as Lsn, 1 as Lsn)
  const first = new Error('first')
  publisher.failed(first)
  publisher.failed(new Error('second'))
  expect(settled).toEqual([1])
  expect(refused).toEqual(['COMMIT_UNKNOWN', 'COMMIT_UNKNOWN', 'COMMIT_UNKNOWN'])
  expect(publisher.failure?.cause).toBe(first)
  publisher.whenVisible(3 as CommitNumber, (error) => refused.push(error?.cause))
  expect(refused.at(-1)).toBe(first)
})
