/** The frame of what measures engines: set-up, namespaces of its own, a folder that goes with all that was started in it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endProcessesOf, unmountBelow } from '../../bench/processes.mjs';
import { buildAll } from '../build.mjs';
import { setup } from '../setup.mjs';
import { enterNamespaces } from './namespaces.mjs';
import { runMain, say } from './say.mjs';

/**
 * Runs a script's measurement, as root in namespaces of its own.
 *
 * @param script   its path
 * @param usage    printed, and nothing done, when `help` is true
 * @param measure  called with a scratch folder and a list that takes what undoes: async functions, called from the last to the first
 */
export async function runMeasuring({ script, usage, help }, measure) {
  await runMain(async () => {
    if (help) {
      process.stdout.write(usage);
      return;
    }
    if (!process.env.GANTRY_BENCH_INSIDE) {
      await setup(['engine', 'test']);
      await buildAll({ names: ['helper'] });
      process.exit(enterNamespaces(script));
    }
    const folder = mkdtempSync(join(tmpdir(), 'gantry-bench-'));
    const undo = [];
    try {
      await measure(folder, undo);
    } finally {
      for (const action of undo.reverse()) await action().catch((error) => say(`cleaning up: ${error.message}`));
      endProcessesOf(folder);
      unmountBelow(folder);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  });
}
