/**
 * The five data sets of the codec's benchmark.
 *
 *   { name, title, make(count, seed), touch(record), revive?, ready?, build? }
 *
 * `touch` reads every field, nested ones too, and gives a number that depends on them. It stands alone: a contestant
 * runs a copy compiled for it (measure/own-copy.mjs). `revive` makes Dates of date fields that a format hands out as
 * texts or numbers; a data set without Dates has none. `build` makes a record from its `ready` values: nothing but the
 * making of the object, its array and its Dates.
 */
import { bugs } from './bugs.mjs'
import { readings } from './flat-numeric.mjs'
import { orders } from './nested.mjs'
import { articles } from './non-latin.mjs'
import { assets } from './sparse.mjs'

export const DATA_SETS = [
  {
    name: 'bugs',
    title: 'bug reports, 14 fields',
    make: bugs,
    touch: (record) => {
      const time = (at) => (typeof at === 'object' ? at.getTime() : at.length)
      let sum = record.id.length + record.title.length + record.description.length + record.priority
      sum += record.status.length + record.assignee.length
      for (let at = 0; at < record.tags.length; at++) sum += record.tags[at].length
      sum += time(record.createdAt) + time(record.updatedAt)
      sum += record.votes + record.comments + record.estimate
      return sum + (record.blocked ? 1 : 0) + (record.isPublic ? 1 : 0)
    },
    revive: (record) => {
      record.createdAt = new Date(record.createdAt)
      record.updatedAt = new Date(record.updatedAt)
      return record
    },
    ready: (record) => ({
      ...record,
      createdAt: record.createdAt.getTime(),
      updatedAt: record.updatedAt.getTime(),
    }),
    build: (values) => ({
      id: values.id,
      title: values.title,
      description: values.description,
      priority: values.priority,
      status: values.status,
      assignee: values.assignee,
      tags: values.tags.slice(),
      createdAt: new Date(values.createdAt),
      updatedAt: new Date(values.updatedAt),
      votes: values.votes,
      comments: values.comments,
      estimate: values.estimate,
      blocked: values.blocked,
      isPublic: values.isPublic,
    }),
  },
  {
    name: 'flat',
    title: 'flat numeric, 12 fields',
    make: readings,
    touch: (record) =>
      record.id +
      record.sensor +
      record.time +
      record.temp +
      record.humidity +
      record.pressure +
      record.x +
      record.y +
      record.count +
      record.delta +
      (record.ok ? 1 : 0) +
      record.error,
  },
  {
    name: 'nested',
    title: 'nested orders',
    make: orders,
    touch: (record) => {
      const time = (at) => (typeof at === 'object' ? at.getTime() : at.length)
      const { customer, items, totals, labels, history } = record
      const { address } = customer
      let sum = record.id.length + customer.id + customer.name.length + customer.email.length
      sum += address.street.length + address.house + address.city.length + address.postcode.length
      sum += address.geo.lat + address.geo.lon
      for (let at = 0; at < items.length; at++) {
        const item = items[at]
        sum += item.sku.length + item.title.length + item.quantity + item.price
        sum += item.attrs.color.length + item.attrs.size.length
      }
      sum += totals.net + totals.tax + totals.gross + totals.currency.length
      for (const name in labels) sum += labels[name].length
      for (let at = 0; at < history.length; at++) {
        const entry = history[at]
        sum += entry.state.length + time(entry.at) + entry.by.length
      }
      return sum
    },
    revive: (record) => {
      for (const entry of record.history) entry.at = new Date(entry.at)
      return record
    },
  },
  {
    name: 'non-latin',
    title: 'non-Latin text',
    make: articles,
    touch: (record) => {
      const at = record.publishedAt
      const time = typeof at === 'object' ? at.getTime() : at.length
      const sum = record.id.length + record.language.length + record.title.length + record.body.length
      return sum + record.author.length + time + record.likes
    },
    revive: (record) => {
      record.publishedAt = new Date(record.publishedAt)
      return record
    },
  },
  {
    name: 'sparse',
    title: 'sparse, 60 optional fields',
    make: assets,
    touch: (record) => {
      let sum = 0
      for (const name in record) {
        const value = record[name]
        if (typeof value === 'string') sum += value.length
        else if (typeof value === 'number') sum += value
        else if (typeof value === 'boolean') sum += value ? 1 : 0
        else if (value !== null) for (let at = 0; at < value.length; at++) sum += value[at].length
      }
      return sum
    },
  },
]
