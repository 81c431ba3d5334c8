#!/usr/bin/env node
/**
 * Measures our engine beside dockerd and Podman, and the same work by hand, and prints medians and ratios.
 *
 * Everything runs in a network and a mount namespace of its own: links, packet filters and mounts of the engines are gone with it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runMeasuring } from './lib/measuring.mjs';
import { Stop, say } from './lib/say.mjs';

const usage = `Usage: npm run bench -- [options]

  --engines LIST  of gantry, dockerd, podman (default: those installed)
  --only LIST     measures: run run-none run-8 exec attach stop list logs-write logs-read pull load delete idle with-20 start
                  copy-in copy-out export diff size commit save import copy-large copy-large-out
  --quick         smaller images, fewer rounds: about a minute
  --no-hand       without the column of the same work by hand
  --json FILE     writes all samples
`;

const { values: options } = parseArgs({
  options: {
    engines: { type: 'string' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    'no-hand': { type: 'boolean', default: false },
    json: { type: 'string' },
    help: { type: 'boolean' },
  },
});

async function startRegistry(folder) {
  const { answering, start } = await import('../bench/processes.mjs');
  mkdirSync(join(folder, 'blobs'), { recursive: true });
  const port = 5000;
  const config = {
    version: 0.1,
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(folder, 'blobs') } },
    http: { addr: `127.0.0.1:${port}` },
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const process_ = start('docker-registry', ['serve', join(folder, 'config.json')], {
    log: join(folder, 'log'),
    env: { OTEL_TRACES_EXPORTER: 'none' },
  });
  await answering({ host: '127.0.0.1', port }, '/v2/');
  return { address: `127.0.0.1:${port}`, stop: process_.stop };
}

async function measure(folder, undo) {
  const { engineNames, isInstalled, startEngine } = await import('../bench/engines.mjs');
  const { largeImage, pushLarge, smallArchive, smallLayer } = await import('../bench/images.mjs');
  const { loadSmall, measuresFor } = await import('../bench/measures.mjs');
  const { ByHand } = await import('../bench/by-hand.mjs');
  const list = (text) => text?.split(',').filter((name) => name !== '');
  const names = list(options.engines) ?? engineNames.filter(isInstalled);
  const unknown = names.find((name) => !engineNames.includes(name));
  if (unknown !== undefined) throw new Stop(`there is no engine named ${unknown}\n${usage}`);
  const only = list(options.only);
  const wanted = ({ name }) => only === undefined || only.includes(name);

  say('preparing the images …');
  const image = await largeImage(options.quick ? { layers: 3, files: 3000, megabytes: 60 } : {});
  const registry = await startRegistry(join(folder, 'registry'));
  undo.push(registry.stop);
  if (only === undefined || only.includes('pull')) await pushLarge(image, registry.address, 'bench/large', '1');
  const archive = await smallArchive();

  const engines = [];
  for (const name of names) {
    const engine = await startEngine(name, join(folder, name), registry.address);
    undo.push(engine.stop);
    await loadSmall(engine, archive);
    engines.push(engine);
  }
  let hand;
  if (!options['no-hand']) {
    hand = new ByHand(join(folder, 'hand'), image, registry.address);
    await hand.prepare(await smallLayer());
    undo.push(() => hand.close());
  }

  const measures = await measuresFor({ quick: options.quick, image, registry: registry.address });
  const rows = new Map(measures.map((row) => [row.name, { ...row, values: {} }]));
  const add = (row, engine, value) => {
    const values = rows.get(row).values;
    values[engine] = [...(values[engine] ?? []), value];
  };
  const kept = {};
  for (const row of measures) {
    const needed =
      wanted(row) || measures.some((other) => wanted(other) && (other.notedBy === row.name || (row.keep && other.uses === row.keep)));
    if (!needed || row.notedBy) continue;
    say(row.what);
    if (row.restart) {
      for (let round = 0; round < row.rounds; round++) {
        for (const name of names) {
          const engine = await startEngine(name, join(folder, `${name}-start-${round}`), registry.address);
          add(row.name, name, engine.startMs);
          await engine.stop();
        }
      }
      continue;
    }
    const broken = new Set();
    const attempt = async (engine, action) => {
      if (broken.has(engine)) return undefined;
      try {
        return await action();
      } catch (error) {
        broken.add(engine);
        say(`  ${engine.name} failed: ${error.message}`);
        return undefined;
      }
    };
    const targets = row.fresh ? await freshEngines(startEngine, loadSmall, names, archive, folder, row.name, undo) : engines;
    const context = new Map();
    for (const engine of targets) {
      const value = row.uses ? kept[row.uses]?.get(engine) : await attempt(engine, () => row.before?.(engine));
      if (row.uses && value === undefined) broken.add(engine);
      context.set(engine, value);
    }
    for (let round = 0; round < row.rounds; round++) {
      for (const engine of targets) {
        const value = await attempt(engine, () =>
          row.sample(engine, context.get(engine), (other, noted) => add(other, engine.name, noted)),
        );
        if (value !== undefined) add(row.name, engine.name, value);
      }
      if (hand && row.byHand) add(row.name, 'by hand', await hand[row.byHand]((other, noted) => add(other, 'by hand', noted)));
    }
    if (row.keep) kept[row.keep] = context;
    else
      for (const engine of targets) if (context.get(engine) !== undefined) await row.after?.(engine, context.get(engine)).catch(() => {});
    if (row.fresh) for (const engine of targets) await engine.stop();
  }
  return {
    rows: [...rows.values()].filter((row) => Object.keys(row.values).length > 0),
    columns: [...names, ...(hand ? ['by hand'] : [])],
  };
}

/** Memory is measured on engines that have done nothing else. */
async function freshEngines(startEngine, loadSmall, names, archive, folder, purpose, undo) {
  const engines = [];
  for (const name of names) {
    const engine = await startEngine(name, join(folder, `${name}-${purpose}`));
    undo.push(engine.stop);
    await loadSmall(engine, archive);
    engines.push(engine);
  }
  await new Promise((resolve) => setTimeout(resolve, 3000));
  return engines;
}

await runMeasuring({ script: fileURLToPath(import.meta.url), usage, help: options.help }, async (folder, undo) => {
  const { table } = await import('../bench/report.mjs');
  const { rows, columns } = await measure(folder, undo);
  process.stdout.write(
    `\n${table(rows, columns)}\n\nMedians. × NAME: how many times better than it the first engine is; below 1 it is worse.\n`,
  );
  if (options.json) {
    const samples = rows.map(({ name, what, unit, values }) => ({ name, what, unit, values }));
    writeFileSync(options.json, `${JSON.stringify({ date: new Date().toISOString(), quick: options.quick, samples }, null, 2)}\n`);
  }
});
