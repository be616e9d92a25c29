/**
 * A folder that is being made by a backup, a restore or a repair holds the file `incomplete` until it is whole. It is the
 * first thing there and the last to go, so that what a killed one leaves is never opened as a database, not as an empty
 * one either.
 */
import { BlazeError } from '../base/errors.ts'
import type { FileSystem } from '../platform/platform.ts'

export const INCOMPLETE_FILE = 'incomplete'

/** Marks a folder: durable when it returns. Not under a temporary name first: that alone is taken for nothing at all. */
export function markIncomplete(files: FileSystem, folder: string, what: string): void {
  const text = `This folder is what a ${what} of BlazeDB has written so far; it is not complete. Delete it, and begin again.\n`
  const bytes = new TextEncoder().encode(text)
  const handle = files.openSync(`${folder}/${INCOMPLETE_FILE}`, 'write')
  try {
    // What it says is for people; that it is there is what counts.
    handle.writeSync(bytes, 0, bytes.length, 0)
    handle.syncSync()
  } finally {
    handle.closeSync()
  }
  files.syncFolderSync(folder)
}

/** True when the mark is there. */
export function isIncomplete(files: FileSystem, folder: string): boolean {
  return files.existsSync(`${folder}/${INCOMPLETE_FILE}`)
}

/** What to say of a place that is taken: by what a killed call has left, it may be. */
export function takenText(files: FileSystem, path: string): string {
  const what = 'holds a backup, a restore or a repair that was not finished; delete it and begin again'
  return isIncomplete(files, path) ? `${path} ${what}` : `${path} is there already`
}

/** The folder is whole: everything in it is durable before this, and the mark gone when it returns. */
export function unmarkIncomplete(files: FileSystem, folder: string): void {
  files.unlinkSync(`${folder}/${INCOMPLETE_FILE}`)
  files.syncFolderSync(folder)
}

/** NOT_A_DATABASE when the folder is marked. */
export function assertComplete(files: FileSystem, folder: string): void {
  if (!isIncomplete(files, folder)) return
  throw new BlazeError(
    'NOT_A_DATABASE',
    `${folder} is a backup, a restore or a repair that was not finished, and no database; nothing was changed. Delete the folder and begin again (after a repair in place: repair it again).`,
    { path: folder },
  )
}
