import { expect, test } from 'vitest'
import { everyRecord, type QueryData } from '../../src/query/query-data.ts'
import { identityOf } from '../../src/query/row-identity.ts'

const bugs = everyRecord('bugs')
const owner: QueryData['joins'][number] = { kind: 'left', as: 'owner', other: everyRecord('users'), on: [] }
const select = [{ name: 'title', path: ['title'] }]

test('records are told apart by their id, joined ones by the ids of both', () => {
  expect(identityOf(bugs)).toEqual([['id']])
  expect(identityOf({ ...bugs, joins: [owner] })).toEqual([['id'], ['owner', 'id']])
  expect(identityOf({ ...bugs, joins: [{ ...owner, kind: 'semi', as: '' }] })).toEqual([['id']])
})

test('groups are told apart by their keys', () => {
  const keys = [{ name: 'status', value: { kind: 'path', path: ['status'] } as const }]
  expect(identityOf({ ...bugs, group: { keys, aggregates: [], having: undefined } })).toEqual([['status']])
})

test('rows without an identity of their own are told apart by their value', () => {
  expect(identityOf({ ...bugs, distinct: true })).toEqual([[]])
  expect(identityOf({ ...bugs, sets: [{ kind: 'union', other: bugs }] })).toEqual([[]])
  expect(identityOf({ ...bugs, from: { ...bugs, select } })).toEqual([[]])
  expect(identityOf({ ...bugs, from: bugs })).toEqual([['id']])
  expect(identityOf({ ...bugs, joins: [{ ...owner, other: { ...everyRecord('users'), select } }] })).toEqual([
    ['id'],
    ['owner'],
  ])
})
