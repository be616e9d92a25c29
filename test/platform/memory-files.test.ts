import { describe, test } from 'vitest'
import { memoryPlatform } from '../../src/platform/memory-platform.ts'
import { fileSystemContract } from '../../src/testing/contracts/file-system.ts'

fileSystemContract({ describe, test }, 'memory', () => {
  const { files } = memoryPlatform()
  files.makeFolderSync('/db')
  return { files, folder: '/db' }
})

fileSystemContract({ describe, test }, 'memory without durable writes', () => {
  const { files } = memoryPlatform({ durableWrites: false })
  files.makeFolderSync('/db')
  return { files, folder: '/db' }
})
