#!/usr/bin/env node
/**
 * How our engine grows under load, as curves: containers, running containers, networks, images in many layers, events with slow clients.
 * In a network and a mount namespace of its own, like the benchmark.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runMeasuring } from './lib/measuring.mjs';
import { Stop, say } from './lib/say.mjs';

const usage = `Usage: npm run load -- [options]

  --containers N  created containers (default 1000)
  --running N     running containers, each with a published port (default 200)
  --networks N    networks (default 100)
  --layers N      layers of images (default 1000)
  --gigabytes N   in these layers (default 5); as much is needed on the disk
  --clients N     slow readers of events (default 20)
  --seconds N     how long events are made in each step (default 3)
  --only LIST     of created, running, networks, images, events
  --json FILE     writes all rows

Ends with 1 when something grows faster than the number of things.
`;

const { values: options } = parseArgs({
  options: {
    containers: { type: 'string', default: '1000' },
    running: { type: 'string', default: '200' },
    networks: { type: 'string', default: '100' },
    layers: { type: 'string', default: '1000' },
    gigabytes: { type: 'string', default: '5' },
    clients: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean' },
  },
});

async function measure(folder, undo) {
  const { startEngine } = await import('../bench/engines.mjs');
  const { smallArchive } = await import('../bench/images.mjs');
  const { loadSmall } = await import('../bench/measures.mjs');
  const load = await import('../bench/load.mjs');
  const { curve } = await import('../bench/report.mjs');
  const number = (name) => Number(options[name]);
  const parts = {
    created: (engine) => load.created(engine, number('containers'), say),
    running: (engine) => load.running(engine, number('running'), say),
    networks: (engine) => load.networks(engine, number('networks'), say),
    images: (engine) => load.images(engine, { layers: number('layers'), gigabytes: number('gigabytes') }, say),
    events: (engine) => load.events(engine, { seconds: number('seconds'), clients: number('clients') }, say),
  };
  const names = options.only?.split(',') ?? Object.keys(parts);
  const unknown = names.find((name) => !(name in parts));
  if (unknown !== undefined) throw new Stop(`there is no load named ${unknown}\n${usage}`);
  const archive = await smallArchive();
  const results = {};
  const worse = [];
  for (const name of names) {
    say(name);
    const place = join(folder, name);
    const engine = await startEngine('gantry', place);
    undo.push(() => engine.stop());
    /** The same engine anew on what is there, as after an update of it. */
    engine.restart = async () => {
      await engine.stop();
      Object.assign(engine, await startEngine('gantry', place));
    };
    await loadSmall(engine, archive);
    const rows = await parts[name](engine);
    await engine.stop();
    results[name] = rows;
    const found = load.superlinear(rows);
    worse.push(...found.map((key) => `${name}: ${key}`));
    process.stdout.write(`\n${name}\n${curve(rows)}\n\n`);
  }
  return { results, worse };
}

await runMeasuring({ script: fileURLToPath(import.meta.url), usage, help: options.help }, async (folder, undo) => {
  const { results, worse } = await measure(folder, undo);
  if (options.json) writeFileSync(options.json, JSON.stringify(results, undefined, 2));
  if (worse.length > 0) throw new Stop(`grows faster than linear: ${worse.join(', ')}`);
  say('nothing grows faster than linear');
});
