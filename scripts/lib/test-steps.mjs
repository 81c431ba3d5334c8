/**
 * The steps of `npm test`: what each runs, and whether it needs root or a display; with `wantsRoot` it runs without, too, but
 * skips tests then. Dependency-free.
 */
import { join } from 'node:path';
import { root, testOutput } from './paths.mjs';

const bin = (name) => join(root, 'node_modules', '.bin', name);
const vitest = (project, { passWithNoTests = false } = {}) => ({
  command: process.execPath,
  args: [
    join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    `--project=${project}`,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${join(testOutput, 'results', `${project}.json`)}`,
    ...(passWithNoTests ? ['--passWithNoTests'] : []),
  ],
  results: join(testOutput, 'results', `${project}.json`),
});

export const steps = [
  {
    name: 'build',
    what: 'bundles of helper, main process and window',
    command: process.execPath,
    args: [join(root, 'scripts', 'build.mjs')],
  },
  { name: 'lint', what: 'biome', command: bin('biome'), args: ['check', '.'] },
  { name: 'types', what: 'tsc', command: bin('tsc'), args: ['--noEmit'] },
  { name: 'deps', what: 'who may import whom', command: process.execPath, args: [join(root, 'scripts', 'deps.mjs')] },
  { name: 'unused', what: 'knip', command: bin('knip'), args: [] },
  { name: 'unit', what: 'decisions and formats', wantsRoot: true, ...vitest('unit') },
  { name: 'engine', what: 'through the API on the running helper', needsRoot: true, ...vitest('engine') },
  { name: 'e2e', what: 'through the window', needsRoot: true, needsDisplay: true, ...vitest('e2e') },
];
