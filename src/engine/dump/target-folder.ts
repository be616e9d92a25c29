/** The folder that a dump is written into: there, free, and no part of a database. */
import { equalBytes } from '../../base/bytes.ts'
import { BlazeError } from '../../base/errors.ts'
import { FileError, type FileSystem } from '../../platform/platform.ts'
import type { Core } from '../core.ts'
import { IDENTITY_SIZE, isSealedIdentity } from '../identity.ts'
import { liesInside } from '../inside-folder.ts'
import { readSmallFile } from '../root-file.ts'
import { hasManifest, SEALED_MANIFEST_FILE } from './dumped-folder.ts'
import { isFileName, isSealedName } from './file-names.ts'
import { MANIFEST_FILE, MAX_MANIFEST_BYTES } from './manifest.ts'
import { readWhole } from './outside-file.ts'
import { SEALED } from './sealed-head.ts'

/** What the folder of every database has (identity-file.ts). */
const IDENTITY_FILE = 'identity'

/** The folder, canonical, there and free; `isNew` when it was made here. */
export async function prepareFolder(
  core: Core,
  target: string,
  overwrite: boolean,
): Promise<{ readonly folder: string; readonly isNew: boolean }> {
  const files = core.platform.outside
  if (typeof target !== 'string' || target === '') throw invalid('target', 'dump() needs the path of a folder')
  if (!files.existsSync(target)) {
    if (files === core.platform.files && liesInside(files, core.path, target)) throw noPlace(target)
    files.makeFolderSync(target)
    const folder = files.realPathSync(target)
    files.syncFolderSync(folder.slice(0, Math.max(1, folder.lastIndexOf('/'))))
    return { folder, isNew: true }
  }
  const folder = files.realPathSync(target)
  if (namesIn(files, folder, target).length === 0) return { folder, isNew: false }
  if (!overwrite) {
    throw invalid('target', `${target} is not empty; name another folder, or dump with overwrite: true`)
  }
  if (isOfDatabase(core, folder)) throw noPlace(target)
  await giveUpOld(files, folder)
  return { folder, isNew: false }
}

function noPlace(target: string): BlazeError {
  return invalid(
    'target',
    `${target} is, or lies in, the folder of a database, where a dump has no place; name another folder`,
  )
}

/** Is it a database, or a folder inside of this one? */
function isOfDatabase({ path, platform: { files, outside } }: Core, folder: string): boolean {
  const isOwn = files === outside && `${folder}/`.startsWith(`${path}/`)
  return isOwn || outside.existsSync(`${folder}/${IDENTITY_FILE}`)
}

function namesIn(files: FileSystem, folder: string, target: string): readonly string[] {
  try {
    return files.listSync(folder)
  } catch (error) {
    if (!(error instanceof FileError) || error.code !== 'ENOTDIR') throw error
    throw invalid('target', `${target} is a file, and a dump is a folder`)
  }
}

/** Takes a dump away that is in the folder: first what makes it one, then what it names. Other files stay. */
async function giveUpOld(files: FileSystem, folder: string): Promise<void> {
  if (!hasManifest(files, folder)) return
  const given: string[] = []
  for (const [name, filesOf] of [
    [SEALED_MANIFEST_FILE, filesSealedWith],
    [MANIFEST_FILE, filesNamedIn],
  ] as const) {
    const path = `${folder}/${name}`
    if (!files.existsSync(path)) continue
    given.push(...(await filesOf(files, folder, path)))
    files.unlinkSync(path)
  }
  files.syncFolderSync(folder)
  for (const name of given) files.unlinkSync(`${folder}/${name}`)
}

/** The files that a manifest of whatever version and state names, as far as that can be read. */
async function filesNamedIn(files: FileSystem, _folder: string, path: string): Promise<string[]> {
  const bytes = await readWhole(files, path, MAX_MANIFEST_BYTES)
  // A larger one is left without a look at what it names.
  if (bytes === undefined) return []
  const text = new TextDecoder().decode(bytes)
  const names = [...text.matchAll(/"file": "([^"\\]+)"/g)].map(([, name = '']) => name)
  return names.filter(isFileName)
}

/** The files that begin as a sealed manifest does: those of its dump, whose names only its key would tell. */
async function filesSealedWith(files: FileSystem, folder: string, path: string): Promise<string[]> {
  const identity = beginning(files, path)
  if (identity === undefined || !isSealedIdentity(identity, SEALED)) return []
  return files.listSync(folder).filter((name) => {
    const found = isSealedName(name) ? beginning(files, `${folder}/${name}`) : undefined
    return found !== undefined && equalBytes(found, identity)
  })
}

function beginning(files: FileSystem, path: string): Uint8Array | undefined {
  return readSmallFile(files, path, IDENTITY_SIZE)?.subarray(0, IDENTITY_SIZE)
}

function invalid(argument: string, text: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `${text}.`, { argument })
}
