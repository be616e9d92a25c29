import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/**
 * Strips the types of base and platform into a temporary folder, for child processes and worker threads that run on
 * plain Node. Returns the folder; its caller removes it.
 */
export function compilePlatform(): string {
  const project = fileURLToPath(new URL('../..', import.meta.url))
  const target = mkdtempSync(join(tmpdir(), 'blazedb-compiled-'))
  writeFileSync(join(target, 'package.json'), '{ "type": "module" }')
  symlinkSync(join(project, 'node_modules'), join(target, 'node_modules'))
  for (const layer of ['base', 'platform']) {
    const source = join(project, 'src', layer)
    mkdirSync(join(target, layer))
    for (const name of readdirSync(source)) {
      const { outputText } = ts.transpileModule(readFileSync(join(source, name), 'utf8'), {
        compilerOptions: {
          target: ts.ScriptTarget.ES2023,
          module: ts.ModuleKind.ESNext,
          verbatimModuleSyntax: true,
          rewriteRelativeImportExtensions: true,
        },
      })
      writeFileSync(join(target, layer, name.replace(/\.ts$/, '.js')), outputText)
    }
  }
  return target
}
