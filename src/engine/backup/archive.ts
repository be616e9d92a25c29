/** The archive: a folder of backup files, numbered in the order in which they were taken. */
import { FileError, type Platform } from '../../platform/platform.ts'
import { openPart } from './input.ts'
import { type BackupPosition, notABackup } from './manifest.ts'

const ARCHIVED = /^([0-9]{6,})-(full|increment)\.blazebackup$/

/** Paths of the backups of an archive, in order; none when there is no such folder. */
export function archived(platform: Platform, folder: string): string[] {
  return listed(platform, folder).map((name) => `${folder}/${name}`)
}

function listed({ files }: Platform, folder: string): string[] {
  if (!files.existsSync(folder)) return []
  try {
    return files
      .listSync(folder)
      .filter((name) => ARCHIVED.test(name))
      .sort((a, b) => numberOf(a) - numberOf(b))
  } catch (error) {
    if (error instanceof FileError && error.code === 'ENOTDIR') throw notABackup(folder, 'it is a file, no archive')
    throw error
  }
}

/** Where the newest backup of an archive ends; undefined while there is none. */
export function lastPosition(platform: Platform, folder: string): BackupPosition | undefined {
  const last = archived(platform, folder).at(-1)
  return last === undefined ? undefined : positionOfBackup(platform, last)
}

/** Where the backup in a file or a folder ends. NOT_A_BACKUP. */
export function positionOfBackup(platform: Platform, path: string): BackupPosition {
  const part = openPart(platform, path)
  part.close()
  return part.manifest.to
}

/** The path of the backup that comes next. */
export function nextArchiveFile(platform: Platform, folder: string, kind: 'full' | 'increment'): string {
  const last = listed(platform, folder).at(-1)
  const number = last === undefined ? 1 : numberOf(last) + 1
  return `${folder}/${String(number).padStart(6, '0')}-${kind}.blazebackup`
}

function numberOf(name: string): number {
  return Number(ARCHIVED.exec(name)?.[1] ?? 0)
}
