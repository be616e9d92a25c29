import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const project = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Strips the types of the package and of the given test files into a temporary folder, so that a child on plain Node runs
 * what is in `src` now. Returns the folder, which mirrors the project; its caller removes it.
 */
export function compileEngine(testFiles: readonly string[]): string {
  const target = mkdtempSync(join(tmpdir(), 'blazedb-torture-'))
  writeFileSync(join(target, 'package.json'), '{ "type": "module" }')
  symlinkSync(join(project, 'node_modules'), join(target, 'node_modules'))
  const sources = readdirSync(join(project, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join('src', name))
  for (const name of [...sources, ...testFiles]) {
    const { outputText } = ts.transpileModule(readFileSync(join(project, name), 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
      },
    })
    const path = join(target, name.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, outputText)
  }
  return target
}
