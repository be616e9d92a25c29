/**
 * Fields whose names have dots. A group by `owner.team`, or a projection of it, gives rows with one field of that name;
 * in what is asked of these rows `owner.team` means that field, and not the field `team` of an `owner`.
 */
import type { Path } from '../base/values.ts'
import { isShaped } from './block-shape.ts'
import type { Expression, NamedExpression, OrderKey, Predicate, QueryData } from './query-data.ts'

type Rename = (path: Path) => Path

/** The block with such paths made names. Doing it again changes nothing. */
export function withNamedPaths(data: QueryData): QueryData {
  const source = data.from === undefined ? NONE : dottedNames(data.from)
  const rows = data.group === undefined ? source : namesOfGroup(data)
  const ordered = isShaped(data) && data.select !== undefined ? namesOfSelect(data) : rows
  if (source.size === 0 && rows.size === 0 && ordered.size === 0) return data
  const ofSource = renamer(source)
  const ofRows = renamer(rows)
  return {
    ...data,
    where: data.where && renamed(data.where, ofSource),
    joins: data.joins.map((join) => ({
      ...join,
      on: join.on.map(({ left, right }) => ({ left: renamedIn(left, ofSource), right })),
    })),
    computed: data.computed.map((field) => renamedField(field, ofSource)),
    nearest: data.nearest && { ...data.nearest, path: ofSource(data.nearest.path) },
    group: data.group && {
      keys: data.group.keys.map((key) => renamedField(key, ofSource)),
      aggregates: data.group.aggregates.map((one) => ({
        ...one,
        of: one.of && renamedIn(one.of, ofSource),
        where: one.where && renamed(one.where, ofSource),
        orderBy: renamedOrder(one.orderBy, ofSource),
      })),
      having: data.group.having && renamed(data.group.having, ofRows),
    },
    windows: data.windows.map((field) => ({
      ...field,
      of: field.of && renamedIn(field.of, ofRows),
      partitionBy: field.partitionBy.map((part) => renamedIn(part, ofRows)),
      orderBy: renamedOrder(field.orderBy, ofRows),
    })),
    select: data.select?.map((field) => ({ ...field, path: ofRows(field.path) })),
    orderBy: renamedOrder(data.orderBy, renamer(ordered)),
  }
}

const NONE: ReadonlySet<string> = new Set()

/** The names with dots that a block's results have. */
function dottedNames(data: QueryData): ReadonlySet<string> {
  if (data.select !== undefined) return namesOfSelect(data)
  if (data.group !== undefined) return namesOfGroup(data)
  return data.from === undefined ? NONE : dottedNames(data.from)
}

function namesOfSelect({ select = [] }: QueryData): ReadonlySet<string> {
  return dotted(select.map(({ name }) => name))
}

function namesOfGroup({ group }: QueryData): ReadonlySet<string> {
  return dotted([...(group?.keys ?? []), ...(group?.aggregates ?? [])].map(({ name }) => name))
}

function dotted(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.filter((name) => name.includes('.')))
}

/** The longest beginning of a path that is a name becomes that name. */
function renamer(names: ReadonlySet<string>): Rename {
  if (names.size === 0) return (path) => path
  return (path) => {
    for (let end = path.length; end > 1; end--) {
      const name = path.slice(0, end).join('.')
      if (names.has(name)) return [name, ...path.slice(end)]
    }
    return path
  }
}

function renamedOrder(orderBy: readonly OrderKey[], rename: Rename): readonly OrderKey[] {
  return orderBy.map((key) => ({ ...key, path: rename(key.path) }))
}

function renamedField(field: NamedExpression, rename: Rename): NamedExpression {
  return { ...field, value: renamedIn(field.value, rename) }
}

function renamed(predicate: Predicate, rename: Rename): Predicate {
  switch (predicate.kind) {
    case 'field':
      return { ...predicate, path: rename(predicate.path) }
    case 'not':
      return { kind: 'not', of: renamed(predicate.of, rename) }
    case 'and':
    case 'or':
      return { kind: predicate.kind, of: predicate.of.map((one) => renamed(one, rename)) }
    case 'compare':
      return { ...predicate, left: renamedIn(predicate.left, rename), right: renamedIn(predicate.right, rename) }
    case 'inQuery':
      return { ...predicate, value: renamedIn(predicate.value, rename) }
    case 'exists':
      return { ...predicate, on: predicate.on.map(({ left, right }) => ({ left: renamedIn(left, rename), right })) }
  }
}

function renamedIn(expression: Expression, rename: Rename): Expression {
  switch (expression.kind) {
    case 'path':
      return { kind: 'path', path: rename(expression.path) }
    case 'call':
      return { ...expression, args: expression.args.map((arg) => renamedIn(arg, rename)) }
    case 'case':
      return {
        ...expression,
        branches: expression.branches.map(({ when, value }) => ({
          when: renamed(when, rename),
          value: renamedIn(value, rename),
        })),
        otherwise: renamedIn(expression.otherwise, rename),
      }
    case 'bin':
      return { ...expression, of: renamedIn(expression.of, rename) }
    default:
      return expression
  }
}
