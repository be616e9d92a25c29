/** What the folder of a database may be at open. */
import { describe, expect, it } from 'vitest'
import { openDatabase } from '../../src/engine/open-database.ts'
import { memoryPlatform } from '../../src/platform/memory-platform.ts'
import { FileError } from '../../src/platform/platform.ts'
import { closeChecked, freshPlatform } from './fixture.ts'

describe('open', () => {
  it('needs a path', async () => {
    const platform = memoryPlatform()
    await expect(openDatabase(platform, '', {})).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(platform.files.listSync('/')).toEqual([])
  })

  it('read-only makes nothing where there is nothing, and says so', async () => {
    const platform = memoryPlatform()
    const readOnly = { readOnly: true }
    await expect(openDatabase(platform, '/none', readOnly)).rejects.toMatchObject({ code: 'NOT_A_DATABASE' })
    expect(platform.files.existsSync('/none')).toBe(false)
    platform.files.makeFolderSync('/empty')
    await expect(openDatabase(platform, '/empty', readOnly)).rejects.toMatchObject({ code: 'NOT_A_DATABASE' })
    expect(platform.files.listSync('/empty')).toEqual([])
  })

  it('of a file is refused, and the file stays as it was', async () => {
    const platform = freshPlatform()
    platform.files.openSync('/db/file', 'write').closeSync()
    await expect(openDatabase(platform, '/db/file', {})).rejects.toMatchObject({ code: 'NOT_A_DATABASE' })
    expect(platform.files.listSync('/db')).toEqual(['file'])
  })

  it('makes the folder where it may write', async () => {
    const platform = freshPlatform()
    const db = await openDatabase(platform, '/made/here', {})
    expect(platform.files.existsSync('/made/here/identity')).toBe(true)
    await closeChecked(db)
  })

  it.each(['EROFS', 'EACCES', 'EPERM'])('where nothing can be written (%s) names the way to read it', async (code) => {
    const platform = freshPlatform()
    await closeChecked(await openDatabase(platform, '/db', {}))
    const locks = { acquire: () => Promise.reject(new FileError(code, 'lock', '/db')) }
    await expect(openDatabase({ ...platform, locks }, '/db', {})).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringContaining('readOnly: true'),
    })
    await expect(openDatabase({ ...platform, locks }, '/db', { readOnly: true })).rejects.toMatchObject({
      message: expect.not.stringContaining('readOnly: true'),
    })
  })

  it('of a folder that cannot be listed is IO, and the next one works', async () => {
    const platform = freshPlatform()
    platform.faults.failNth('listSync', 1, 'EIO')
    await expect(openDatabase(platform, '/db', {})).rejects.toMatchObject({ code: 'IO' })
    await closeChecked(await openDatabase(platform, '/db', {}))
  })
})
