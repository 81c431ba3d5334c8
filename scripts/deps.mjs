#!/usr/bin/env node
/** Checks who imports whom by the rules in .dependency-cruiser.cjs and prints each chain that breaks one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './lib/paths.mjs';
import { run } from './lib/run.mjs';

const cruiser = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
const folders = ['helper', 'electron', 'renderer', 'scripts', 'bench', 'e2e'].filter((name) => existsSync(join(root, name)));
const { code } = await run(
  process.execPath,
  ['--import', './scripts/lib/typescript-api.mjs', cruiser, '--config', '.dependency-cruiser.cjs', ...process.argv.slice(2), ...folders],
  { cwd: root },
);
process.exit(code);
