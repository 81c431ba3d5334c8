/**
 * How our engine grows: containers, running ones, networks, images' layers and events, each in steps, with what a step costs. A measure that grows
 * faster than what it is about is worse than linear, and said so.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { layeredArchive, smallImage, smallLayer } from './images.mjs';
import { pssMiB } from './processes.mjs';

const labels = { Labels: { load: '1' } };

async function timed(action) {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

/** The least disturbed of some rounds: what the neighbours on the machine do is not ours. */
async function least(rounds, action) {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) best = Math.min(best, await timed(action));
  return best;
}

/** Runs `action` for 0 … count - 1, `width` at a time. */
async function inParallel(count, width, action) {
  let next = 0;
  const worker = async () => {
    while (next < count) await action(next++);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

const create = ({ api }, more = {}) => api.create({ Image: smallImage, Cmd: ['sleep', '86400'], ...labels, ...more });

async function runOne(engine, more) {
  const { Id } = await create(engine, { Cmd: ['true'], ...more });
  const start = await timed(() => engine.api.call('POST', `/containers/${Id}/start`));
  await engine.api.call('POST', `/containers/${Id}/wait`);
  await engine.api.call('DELETE', `/containers/${Id}?force=1`);
  return start;
}

async function leastStart(engine, more) {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 7; round++) best = Math.min(best, await runOne(engine, more));
  return best;
}

/** `count` → sizes at which is measured. */
const steps = (count) => [...new Set([0.1, 0.25, 0.5, 0.75, 1].map((part) => Math.max(1, Math.round(count * part))))];

async function removeAll({ api }) {
  const list = await api.call('GET', `/containers/json?all=1&filters=${encodeURIComponent('{"label":["load=1"]}')}`);
  await inParallel(list.length, 8, (index) => api.call('DELETE', `/containers/${list[index].Id}?force=1&v=1`));
}

/** What any list of containers costs with so many of them. */
async function containerRow(engine, count, extra) {
  return {
    count,
    ...extra,
    'list ms': await least(20, () => engine.api.drain('GET', '/containers/json?all=1')),
    'filtered ms': await least(20, () =>
      engine.api.drain('GET', `/containers/json?all=1&filters=${encodeURIComponent('{"name":["nobody"]}')}`),
    ),
    'start of one ms': await leastStart(engine),
    'memory MiB': pssMiB(engine.folder),
  };
}

export async function created(engine, count, say) {
  const rows = [];
  let there = 0;
  for (const size of steps(count)) {
    const more = size - there;
    const took = await timed(() => inParallel(more, 4, () => create(engine)));
    there = size;
    rows.push(await containerRow(engine, size, { 'create of one ms': took / more }));
    say(`  ${size} created`);
  }
  rows.push({ 'stopped and started anew': await timed(() => engine.restart()) });
  await removeAll(engine);
  return rows;
}

export async function running(engine, count, say) {
  const rows = [];
  let there = 0;
  for (const size of steps(count)) {
    const more = size - there;
    const took = await timed(() =>
      inParallel(more, 4, async () => {
        const { Id } = await create(engine, { ExposedPorts: { '80/tcp': {} }, HostConfig: { PublishAllPorts: true } });
        await engine.api.call('POST', `/containers/${Id}/start`);
      }),
    );
    there = size;
    rows.push(await containerRow(engine, size, { 'run of one ms': took / more }));
    say(`  ${size} running`);
  }
  rows.push({ 'stopped and started anew': await timed(() => engine.restart()) });
  await removeAll(engine);
  return rows;
}

export async function networks(engine, count, say) {
  const rows = [];
  let there = 0;
  for (const size of steps(count)) {
    const took = await timed(async () => {
      for (let index = there; index < size; index++) {
        const Config = [{ Subnet: `10.${100 + Math.floor(index / 250)}.${index % 250}.0/24` }];
        await engine.api.call('POST', '/networks/create', { body: { Name: `load-${index}`, IPAM: { Config }, ...labels } });
      }
    });
    const more = size - there;
    there = size;
    rows.push({
      count: size,
      'create of one ms': took / more,
      'list ms': await least(20, () => engine.api.drain('GET', '/networks')),
      'start of one ms': await leastStart(engine, { HostConfig: { NetworkMode: `load-${size - 1}` } }),
      'memory MiB': pssMiB(engine.folder),
    });
    say(`  ${size} networks`);
  }
  rows.push({ 'stopped and started anew': await timed(() => engine.restart()) });
  for (let index = 0; index < there; index++) await engine.api.call('DELETE', `/networks/load-${index}`);
  return rows;
}

const layersPerImage = 25;

/**
 * Images of many small layers, loaded one after the other.
 *
 * @param layers     how many in all
 * @param gigabytes  in all of them
 */
export async function images(engine, { layers, gigabytes }, say) {
  const { api } = engine;
  const base = await smallLayer();
  const bytes = Math.round((gigabytes * 1e9) / layers);
  const name = (index) => `load/many:${index}`;
  const count = Math.ceil(layers / layersPerImage);
  const rows = [];
  let there = 0;
  for (const size of steps(count)) {
    let took = Number.POSITIVE_INFINITY;
    for (; there < size; there++) {
      const body = await layeredArchive(name(there), base, { first: there * layersPerImage, layers: layersPerImage, bytes });
      const load = () => api.call('POST', '/images/load?quiet=1', { body, headers: { 'Content-Type': 'application/x-tar' } });
      took = Math.min(took, await timed(load));
    }
    rows.push({
      count: size * layersPerImage,
      GB: (size * layersPerImage * bytes) / 1e9,
      'load of one ms': took / layersPerImage,
      'list ms': await least(20, () => api.drain('GET', '/images/json?all=1&shared-size=1')),
      'inspect of one ms': await least(20, () => api.drain('GET', `/images/${name(0)}/json`)),
      'df ms': await least(20, () => api.drain('GET', '/system/df')),
      'start of one ms': await leastStart(engine, { Image: name(size - 1) }),
      'memory MiB': pssMiB(engine.folder),
    });
    say(`  ${size * layersPerImage} layers`);
  }
  rows.push({ 'stopped and started anew': await timed(() => engine.restart()) });
  const took = await timed(async () => {
    for (let index = 0; index < there; index++) await engine.api.call('DELETE', `/images/${name(index)}`);
  });
  rows.push({ 'removed, each image': took / there, 'df afterwards': await timed(() => engine.api.drain('GET', '/system/df')) });
  return rows;
}

/**
 * Clients that hardly read while events come as fast as the API can make them (execs that are created: nothing is on disk), in
 * steps of more such clients; one that reads all of it counts what comes.
 */
export async function events(engine, { seconds, clients }, say) {
  const { Id } = await create(engine, { Cmd: ['sleep', '86400'] });
  await engine.api.call('POST', `/containers/${Id}/start`);
  const rows = [];
  const slow = [];
  for (const count of [0, ...steps(clients)]) {
    while (slow.length < count) {
      const response = await engine.api.open('GET', '/events');
      response.pause();
      response.on('error', () => {});
      slow.push(response);
    }
    const reader = await engine.api.open('GET', '/events');
    let heard = 0;
    reader.on('data', (chunk) => {
      for (const byte of chunk) if (byte === 10) heard++;
    });
    reader.on('error', () => {});
    let made = 0;
    const end = performance.now() + seconds * 1000;
    const took = await timed(() =>
      Promise.all(
        Array.from({ length: 16 }, async () => {
          while (performance.now() < end) {
            await engine.api.call('POST', `/containers/${Id}/exec`, { body: { Cmd: ['true'] } });
            made++;
          }
        }),
      ),
    );
    for (let tries = 0; heard < made && tries < 100; tries++) await pause(50);
    rows.push({
      count,
      'events /s': (made / took) * 1000,
      'heard %': (heard / made) * 100,
      'list ms': await least(5, () => engine.api.drain('GET', '/containers/json')),
      'memory MiB': pssMiB(engine.folder),
    });
    reader.destroy();
    say(`  ${count} slow clients`);
  }
  for (const response of slow) response.destroy();
  await removeAll(engine);
  return rows;
}

/** What grows faster than its number of things. What is of one thing must not grow at all, but for noise. */
export function superlinear(rows) {
  const curve = rows.filter((row) => row.count > 0);
  const [first, last] = [curve[0], curve.at(-1)];
  const growth = last.count / first.count;
  return Object.keys(first)
    .filter((key) => / ms$/.test(key))
    .filter((key) => {
      const ofOne = / of one /.test(key);
      // Under a few milliseconds it is the machine's noise.
      return last[key] > 5 && last[key] / first[key] > (ofOne ? 2.5 : growth * 1.5);
    });
}
