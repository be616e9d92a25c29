/** The adapters that can run here. A peer that is not installed is undefined, whatever is wrong with it is not hidden. */
const MODULES = ['blazedb', 'better-sqlite3', 'lmdb', 'classic-level']

/** Name → { openStore(directory, settings) }, for blazedb and the wanted peers; and the names of those missing. */
export async function loadAdapters(peers) {
  const adapters = new Map()
  const missing = []
  for (const name of MODULES) {
    if (name !== 'blazedb' && !peers.includes(name)) continue
    const adapter = await loadAdapter(name)
    if (adapter === undefined) missing.push(name)
    else adapters.set(name, adapter)
  }
  return { adapters, missing }
}

export async function loadAdapter(name) {
  try {
    const { load, openStore } = await import(`./${name}.mjs`)
    const library = await load()
    return { name, openStore: (directory, settings) => openStore(library, directory, settings) }
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND' || error.code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  }
}
