import type { FileSystem } from '../platform/platform.ts'

/**
 * Does `target`, whether it is there or not, lie in `folder`, which is canonical? What is written into a database's own
 * folder is lost with it; below `log` or `pages` it may have the name of a segment.
 */
export function liesInside(files: FileSystem, folder: string, target: string): boolean {
  let at = target
  while (!files.existsSync(at)) {
    if (at === '.' || at === '/') return false
    const cut = Math.max(at.lastIndexOf('/'), at.lastIndexOf('\\'))
    if (cut < 0) at = '.'
    else at = cut === 0 ? '/' : at.slice(0, cut)
  }
  return `${files.realPathSync(at)}/`.startsWith(`${folder}/`)
}
