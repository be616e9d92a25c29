import { memoryPlatform } from '../../src/platform/memory-platform.ts'
import { fileSystemContract } from './file-system-contract.ts'

fileSystemContract('memory', () => {
  const { files } = memoryPlatform()
  files.makeFolderSync('/db')
  return { files, folder: '/db' }
})

fileSystemContract('memory without durable writes', () => {
  const { files } = memoryPlatform({ durableWrites: false })
  files.makeFolderSync('/db')
  return { files, folder: '/db' }
})
