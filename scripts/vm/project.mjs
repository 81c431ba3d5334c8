/** A disk with the project for a virtual machine: what the engine's tests need to run, with Node and the docker CLI of this one. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../lib/paths.mjs';
import { run, which } from '../lib/run.mjs';
import { Stop } from '../lib/say.mjs';

/** Not needed for the engine's tests, and large. */
const LEFT_OUT = [
  'electron',
  'electron-winstaller',
  'lucide-react',
  '@biomejs',
  '@typescript',
  'typescript-api',
  'playwright-core',
  'app-builder-bin',
];
const TAKEN = ['dist/gantryd.js', 'dist/package.json', 'assets', 'helper', 'scripts', 'node_modules'];
const CONFIGURATION = ['package.json', 'tsconfig.json', 'vitest.config.ts', 'vite.config.ts'];

/**
 * @param folder  where it is made, and what it is made of: to be removed by the caller
 * @returns the disk's path: ext4, the project at its root, programs in `bin`
 */
export async function projectDisk(folder) {
  const tree = join(folder, 'project');
  const disk = join(folder, 'project.img');
  mkdirSync(join(tree, 'bin'), { recursive: true });
  const exclude = LEFT_OUT.flatMap((name) => ['--exclude', `node_modules/${name}`]);
  const copy = `tar -C ${root} -c ${[...exclude, ...TAKEN, ...CONFIGURATION].join(' ')} | tar -C ${tree} -x`;
  const steps = [
    ['sh', ['-c', copy]],
    ['cp', [process.execPath, which('docker') ?? 'docker', join(tree, 'bin')]],
    ['mke2fs', ['-q', '-t', 'ext4', '-d', tree, disk, '1500M']],
  ];
  for (const [command, args] of steps) {
    const { code, output } = await run(command, args, { quiet: true });
    if (code !== 0) throw new Stop(`${command} failed: ${output.slice(-1000)}`);
  }
  return disk;
}
