#!/usr/bin/env node
/**
 * Measures the application as it is used: launch, a known SSH host, a terminal and a copy over a slow line, many containers; beside plain
 * ssh and scp for the same. Everything runs in namespaces of its own, on a display of its own.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildAll } from './build.mjs';
import { virtualDisplay } from './lib/display.mjs';
import { enterNamespaces } from './lib/namespaces.mjs';
import { runMain, Stop, say } from './lib/say.mjs';
import { setup } from './setup.mjs';

const names = ['launch', 'ssh', 'echo', 'copy', 'idle'];
const usage = `Usage: npm run bench:app -- [options]

  --only LIST     of ${names.join(' ')}
  --rounds N      (default: 5)
  --keys N        typed in terminals (default: 40)
  --megabytes N   copied (default: 300)
  --containers N  on each of five hosts (default: 100)
  --seconds N     for which idleness is watched (default: 30)
  --json FILE     writes all samples
`;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    keys: { type: 'string', default: '40' },
    megabytes: { type: 'string', default: '300' },
    containers: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '30' },
    json: { type: 'string' },
    help: { type: 'boolean' },
  },
});

/** What each figure is to be, from the design. */
const marks = {
  'launch to usable list, engine running': 1200,
  'launch to list of a known SSH host, 0 ms there and back': 3000,
  'launch to list of a known SSH host, 50 ms there and back': 3000,
  'memory (PSS), nothing to show': 280,
  'processor, nothing to show': 0.5,
};
const unitOf = (name) =>
  name.startsWith('memory') ? 'MiB' : name.startsWith('processor') ? '%' : /^(copy|scp)/.test(name) ? 'MB/s' : 'ms';

/** Containers outlive their engine. */
async function removeAll({ api }) {
  for (const { Id } of await api.call('GET', '/containers/json?all=1')) await api.call('DELETE', `/containers/${Id}?force=1&v=1`);
}

async function measure(folder, undo) {
  const { startEngine } = await import('../bench/engines.mjs');
  const { smallArchive } = await import('../bench/images.mjs');
  const { loadSmall } = await import('../bench/measures.mjs');
  const { stopApps } = await import('../bench/app/window.mjs');
  const { startFar } = await import('../bench/app/link.mjs');
  const { measures } = await import('../bench/app/measures.mjs');
  const wanted = options.only?.split(',') ?? names;
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Stop(`there is no measure named ${unknown}\n${usage}`);

  const { display, stop } = await virtualDisplay();
  undo.push(async () => void stop());
  const archive = await smallArchive();
  const engineIn = async (name) => {
    const engine = await startEngine('gantry', join(folder, name));
    undo.push(engine.stop, () => removeAll(engine));
    await loadSmall(engine, archive);
    return { ...engine, socket: join(folder, name, 'engine.sock') };
  };
  const local = await engineIn('local');
  const ids = ['hfar1', 'hfar2', 'hfar3', 'hfar4', 'hfar5'];
  const engines = [];
  for (const id of wanted.includes('idle') ? ids : ids.slice(0, 1)) engines.push(await engineIn(id));
  const far = await startFar(join(folder, 'line'), ids);
  undo.push(far.stop, stopApps);
  const scene = {
    ...{ folder, local, far, engines, env: { DISPLAY: display, HOME: far.home } },
    hosts: engines.map(({ socket }, i) => ({ id: ids[i], name: ids[i], address: ids[i], socketPath: socket })),
    ...{ rounds: Number(options.rounds), keys: Number(options.keys), megabytes: Number(options.megabytes) },
    ...{ containers: Number(options.containers), idleSeconds: Number(options.seconds) },
  };
  const samples = new Map();
  const note = (name, value) => samples.set(name, [...(samples.get(name) ?? []), value]);
  for (const name of wanted) {
    say(`${name} …`);
    await measures[name](scene, note);
  }
  return samples;
}

await runMain(async () => {
  if (options.help) {
    process.stdout.write(usage);
    return;
  }
  if (!process.env.GANTRY_BENCH_INSIDE) {
    await setup(['engine', 'gui', 'display', 'test']);
    await buildAll();
    process.exit(enterNamespaces(fileURLToPath(import.meta.url)));
  }
  const { figures } = await import('../bench/report.mjs');
  const { unmountBelow } = await import('../bench/processes.mjs');
  const folder = mkdtempSync(join(tmpdir(), 'gantry-bench-'));
  const undo = [];
  try {
    const samples = await measure(folder, undo);
    const rows = [...samples].map(([name, values]) => ({ name, values, unit: unitOf(name), mark: marks[name] }));
    process.stdout.write(`\n${figures(rows)}\n`);
    if (options.json) writeFileSync(options.json, `${JSON.stringify(Object.fromEntries(samples), null, 2)}\n`);
  } finally {
    for (const action of undo.reverse()) await action().catch((error) => say(`cleaning up: ${error.message}`));
    unmountBelow(folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});
