/**
 * Which part may import which (docs/architecture.md). A violation prints the chain that breaks it.
 * In the helper: api → engine → registry, store, system; and nouns of the engine meet at each other's index.ts and types.ts.
 */
const features = '^renderer/features/([^/]+)/';
const nouns = '^helper/engine/([^/]+)/';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^(electron$|gantry:)' } },
    {
      name: 'contracts-import-nothing',
      comment: 'A contract is types and schemas; it may use valibot and the other contract.',
      severity: 'error',
      from: { path: '^(electron/ipc/(contract/|(contract|schemas)\\.ts$)|helper/contract/)' },
      to: { pathNot: '^(electron/ipc/(contract/|(contract|schemas)\\.ts$)|helper/contract/|node_modules/valibot/)' },
    },
    {
      name: 'electron-meets-renderer-in-ipc',
      severity: 'error',
      from: { path: '^electron/' },
      to: { path: '^renderer/' },
    },
    {
      name: 'renderer-meets-electron-in-ipc',
      severity: 'error',
      from: { path: '^renderer/' },
      to: { path: '^electron/', pathNot: '^electron/ipc/(contract/|(contract|schemas)\\.ts$)' },
    },
    {
      name: 'only-the-contract-leaves-the-helper',
      severity: 'error',
      from: { path: '^(electron|renderer)/' },
      to: { path: '^helper/', pathNot: '^helper/contract/' },
    },
    { name: 'helper-knows-no-app', severity: 'error', from: { path: '^helper/' }, to: { path: '^(electron|renderer)/' } },
    {
      name: 'renderer-has-no-node',
      severity: 'error',
      from: { path: '^renderer/', pathNot: '\\.test\\.tsx?$|^renderer/dev/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'engine-knows-no-http',
      severity: 'error',
      from: { path: '^helper/engine/' },
      to: { path: '^helper/api/' },
    },
    {
      name: 'ground-layers-know-no-engine',
      comment: 'registry, store and system stand below the engine. failure.ts, undo.ts and the like are words that all layers share.',
      severity: 'error',
      from: { path: '^helper/(registry|store|system)/' },
      to: { path: '^helper/(api|engine/[^/]+/)', pathNot: '^helper/engine/[^/]+/types\\.ts$' },
    },
    {
      name: 'nouns-meet-at-their-index',
      severity: 'error',
      // An exec is a process of a container: it is specified by the same functions.
      from: { path: nouns, pathNot: '^helper/engine/execs/process-spec\\.ts$' },
      to: { path: '^helper/engine/[^/]+/', pathNot: ['^helper/engine/$1/', '^helper/engine/.+/(index|types)\\.ts$'] },
    },
    {
      name: 'routes-use-the-engine-by-its-index',
      severity: 'error',
      from: { path: '^helper/api/' },
      to: { path: '^helper/(engine/[^/]+/|registry/|store/|system/)', pathNot: '^helper/engine/.+/(index|types)\\.ts$' },
    },
    {
      name: 'features-meet-at-their-index',
      severity: 'error',
      from: { path: features },
      to: { path: '^renderer/features/[^/]+/', pathNot: ['^renderer/features/$1/', '^renderer/features/[^/]+/index\\.tsx?$'] },
    },
    {
      name: 'ui-knows-no-feature',
      severity: 'error',
      from: { path: '^renderer/(ui|lib)/', pathNot: '\\.test\\.tsx?$' },
      to: { path: '^renderer/(features|app)/' },
    },
    {
      name: 'ui-knows-no-engine',
      severity: 'error',
      from: { path: '^renderer/ui/' },
      to: { path: '^(electron|helper)/' },
    },
    {
      name: 'product-imports-no-tests',
      severity: 'error',
      from: { path: '^(electron|helper|renderer)/', pathNot: '\\.test\\.tsx?$|^helper/tests/|^renderer/dev/' },
      to: { path: '\\.test\\.tsx?$|^(e2e|bench|scripts|helper/tests)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Started with scripts/lib/typescript-api.mjs: TypeScript 7 has no JavaScript API.
    parser: 'tsc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.cjs', '.json', '.css'],
    },
  },
};
