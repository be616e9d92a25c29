/**
 * The layer check. Who may import whom is said once, in tools/layers.json: a layer's name stands for the whole folder,
 * `layer/file.ts` for one file of it, and `importsTypes` for what may be imported as types only. The rules here are
 * made from that table; test/house/layers.test.ts plants violations to show that each rule really fails.
 */
const layers = require('./tools/layers.json')

const literal = (path) => path.replaceAll('.', '\\.')
const target = (entry) => (entry.endsWith('.ts') ? `^src/${literal(entry)}$` : `^src/${entry}/`)

const layerRules = Object.entries(layers).flatMap(([name, { imports, importsTypes = [] }]) => {
  const values = [name, ...imports].map(target)
  const types = importsTypes.map(target)
  const from = { path: `^src/${name}/` }
  return [
    {
      name: `layer-${name}`,
      comment: `${name} may import ${imports.join(', ') || 'nothing'}`,
      severity: 'error',
      from,
      to: { path: '^src/', pathNot: [...values, ...types] },
    },
    ...(types.length === 0
      ? []
      : [
          {
            name: `layer-${name}-types`,
            comment: `${name} may import ${importsTypes.join(', ')} as types only`,
            severity: 'error',
            from,
            to: { path: types, dependencyTypesNot: ['type-only'] },
          },
        ]),
  ]
})

module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: 'known-layer',
      comment: 'every file of src lies in a folder that tools/layers.json names',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/(${Object.keys(layers).join('|')})/` },
      to: {},
    },
    {
      name: 'known-layer-imported',
      comment: 'nothing imports a file of src outside the folders that tools/layers.json names',
      severity: 'error',
      from: {},
      to: { path: '^src/', pathNot: `^src/(${Object.keys(layers).join('|')})/` },
    },
    {
      name: 'no-cycle',
      comment: 'files import each other in one direction only; type-only imports count',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'node-only-in-platform',
      comment: 'node: modules are imported by src/platform only',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/platform/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'lmdb-only-in-platform',
      comment: 'native code is imported by src/platform only',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/platform/' },
      to: { path: ['^lmdb(/|$)', '(^|/)node_modules/lmdb/'] },
    },
    {
      name: 'no-dev-dependency',
      comment: 'the package imports nothing that its users do not get',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm-peer'] },
    },
    {
      name: 'peer-only-in-testing',
      comment: 'optional peers are imported by src/testing only: nothing else may need them',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/testing/' },
      to: { dependencyTypes: ['npm-peer'] },
    },
    {
      name: 'no-outside',
      comment: 'src imports nothing of tests, tools, benchmarks or examples',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|tools|bench|examples|dist)/' },
    },
    {
      name: 'no-barrel',
      comment: 'only src/entry re-exports; everyone else imports a thing from the file that holds it',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/entry/' },
      to: { dependencyTypes: ['export'] },
    },
    {
      name: 'resolvable',
      comment: 'every import is found',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Without it type-only imports are invisible: they would slip past the table and close cycles unseen.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      exportsFields: ['exports'],
    },
  },
}
