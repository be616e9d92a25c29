/** avsc: a static schema for each data set, which both sides have; Dates by a logical type. */
import { STATUSES } from '../data/bugs.mjs'
import { pageWriter } from './page.mjs'

export const load = async () => (await import('avsc')).default

const DATE = { type: 'long', logicalType: 'timestamp-millis' }

const SCHEMAS = {
  bugs: record('Bug', {
    id: 'string',
    title: 'string',
    description: 'string',
    priority: 'int',
    status: { type: 'enum', name: 'Status', symbols: STATUSES },
    assignee: 'string',
    tags: { type: 'array', items: 'string' },
    createdAt: DATE,
    updatedAt: DATE,
    votes: 'int',
    comments: 'int',
    estimate: 'double',
    blocked: 'boolean',
    isPublic: 'boolean',
  }),
  flat: record('Reading', {
    id: 'int',
    sensor: 'int',
    time: 'long',
    temp: 'double',
    humidity: 'double',
    pressure: 'float',
    x: 'double',
    y: 'double',
    count: 'int',
    delta: 'int',
    ok: 'boolean',
    error: 'int',
  }),
  nested: record('Order', {
    id: 'string',
    customer: record('Customer', {
      id: 'int',
      name: 'string',
      email: 'string',
      address: record('Address', {
        street: 'string',
        house: 'int',
        city: 'string',
        postcode: 'string',
        geo: record('Geo', { lat: 'double', lon: 'double' }),
      }),
    }),
    items: {
      type: 'array',
      items: record('Item', {
        sku: 'string',
        title: 'string',
        quantity: 'int',
        price: 'double',
        attrs: record('Attrs', { color: 'string', size: 'string' }),
      }),
    },
    totals: record('Totals', { net: 'double', tax: 'double', gross: 'double', currency: 'string' }),
    labels: { type: 'map', values: 'string' },
    history: { type: 'array', items: record('Entry', { state: 'string', at: DATE, by: 'string' }) },
  }),
  'non-latin': record('Article', {
    id: 'string',
    language: 'string',
    title: 'string',
    body: 'string',
    author: 'string',
    publishedAt: DATE,
    likes: 'int',
  }),
}

function record(name, fields) {
  return { type: 'record', name, fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })) }
}

export function contestants({ Type, types }) {
  class DateType extends types.LogicalType {
    _fromValue(ms) {
      return new Date(ms)
    }
    _toValue(date) {
      return date.getTime()
    }
  }
  const open = ({ name }) => {
    if (SCHEMAS[name] === undefined) return undefined
    const one = Type.forSchema(SCHEMAS[name], { logicalTypes: { 'timestamp-millis': DateType } })
    const many = Type.forSchema({ type: 'array', items: one })
    return {
      encode: (value) => one.toBuffer(value),
      decode: (bytes) => one.fromBuffer(bytes),
      write: pageWriter((value, page, at) => one.encode(value, page, at), 'avsc'),
      encodeBatch: (values) => many.toBuffer(values),
      decodeBatch: (bytes) => many.fromBuffer(bytes),
    }
  }
  return [{ name: 'avsc', open }]
}
