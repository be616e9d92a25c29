/** Bug reports of 14 fields, as the benchmarks have them: about 440 bytes each as JSON. */
import type { Value } from '../../src/base/values.ts'

export type Bug = { readonly id: string; readonly [name: string]: Value }

const WORDS = 'login page crash save button search index slow query error dialog session export report table column'
const STATUSES = ['open', 'triaged', 'active', 'resolved', 'closed']
const PEOPLE = 'ada barbara claude dennis edsger frances grace hedy ivan joan ken leslie'.split(' ')
const TAGS = 'ui api db perf security docs build test mobile web sync auth billing search infra'.split(' ')

/** Deterministic: whole numbers from 0 to below the bound. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 0x100000000) * below)
  }
}

/** `count` records; the same seed gives the same ones. */
export function bugs(count: number, seed = 1): Bug[] {
  const random = randomOf(seed)
  const pick = (list: readonly string[]): string => list[random(list.length)]!
  const words = WORDS.split(' ')
  const sentence = (length: number): string => {
    let text = pick(words)
    while (text.length < length) text += ` ${pick(words)}`
    return text
  }
  return Array.from({ length: count }, () => {
    const createdMs = Date.UTC(2024, 0, 1) + random(6e10)
    return {
      id: uuidOf(random),
      title: sentence(20 + random(14)),
      description: sentence(80 + random(40)),
      priority: 1 + random(5),
      status: pick(STATUSES),
      assignee: pick(PEOPLE),
      tags: Array.from({ length: 1 + random(3) }, () => pick(TAGS)),
      createdAt: new Date(createdMs),
      updatedAt: new Date(createdMs + random(2e9)),
      votes: random(500),
      comments: random(60),
      estimate: random(80) / 2,
      blocked: random(10) === 0,
      isPublic: random(10) < 7,
    }
  })
}

function uuidOf(random: (below: number) => number): string {
  const digits = Array.from({ length: 32 }, () => random(16).toString(16)).join('')
  const groups = [digits.slice(0, 8), digits.slice(8, 12), `4${digits.slice(13, 16)}`, `8${digits.slice(17, 20)}`]
  return [...groups, digits.slice(20)].join('-')
}
