/** The collections of the demonstration. */
import { collection } from 'blazedb'
import * as z from 'zod'

/** An installed package; its id is the path of its folder, since one name may be installed in several versions. */
export const packageSchema = z.object({
  id: z.string(),
  name: z.string(),
  version: z.string().nullable(),
  license: z.string().nullable(),
  description: z.string(),
  sizeBytes: z.int(),
  fileCount: z.int(),
  readme: z.string().nullable(),
  stars: z.int().default(0),
})

/** One line of a package's lists of dependencies. */
export const dependencySchema = z.object({
  id: z.string().optional(),
  from: z.string(),
  name: z.string(),
  range: z.string(),
  kind: z.enum(['runtime', 'peer', 'optional', 'dev']),
})

export const collections = {
  packages: collection({ schema: packageSchema, indexes: ['name', 'license', 'sizeBytes'] }),
  dependencies: collection({ schema: dependencySchema, indexes: ['from', ['kind', 'name']] }),
}

/** @typedef {import('blazedb').DatabaseWith<typeof collections>} Db */
/** @typedef {import('zod').output<typeof packageSchema>} Package */
