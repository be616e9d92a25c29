/** Fresh folders for the stores of a run, on the disk of the working directory's temporary folder, removed at the end. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export function scratch(root = tmpdir()) {
  const base = mkdtempSync(join(root, 'blazedb-bench-'))
  let count = 0
  return {
    base,
    fresh: (label) => {
      const path = join(base, `${label}-${count++}`)
      mkdirSync(path)
      return path
    },
    drop: (path) => rmSync(path, { recursive: true, force: true }),
    close: () => rmSync(base, { recursive: true, force: true }),
  }
}

/** Bytes that a folder's files take on the disk. */
export function diskBytes(path) {
  const stats = statSync(path)
  if (!stats.isDirectory()) return stats.blocks * 512
  return readdirSync(path).reduce((sum, name) => sum + diskBytes(join(path, name)), 0)
}
