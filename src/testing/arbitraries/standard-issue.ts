import type { StandardIssue } from '../../engine/schema.ts'

/** The names and indexes along the way to what an issue is about. */
export function pathOf(issue: StandardIssue): readonly PropertyKey[] {
  return (issue.path ?? []).map((item) => (typeof item === 'object' ? item.key : item))
}
