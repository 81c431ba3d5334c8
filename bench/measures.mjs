/**
 * What is measured. Each measure takes one sample of one engine; the runner goes round the engines, so that a slow minute of the machine
 * hits all of them alike.
 */
import { Readable } from 'node:stream';
import { largeArchive, smallImage } from './images.mjs';
import { pssMiB } from './processes.mjs';
import { timed } from './timed.mjs';
import { treeMeasures } from './trees.mjs';

const label = { Labels: { bench: '1' } };
const of = (cmd, more = {}) => ({ Image: smallImage, Cmd: cmd, ...label, ...more });

async function runOnce({ api }, more) {
  return timed(async () => {
    const { Id } = await api.create(of(['true'], more));
    await api.call('POST', `/containers/${Id}/start`);
    await api.call('POST', `/containers/${Id}/wait`);
    await api.call('DELETE', `/containers/${Id}?force=1`);
  });
}

const remove = ({ api }, id) => api.call('DELETE', `/containers/${id}?force=1&v=1`);

/** Starts a container that stays; removes it after `use`. */
async function withContainer(engine, cmd, use, more = {}) {
  const { Id } = await engine.api.create(of(cmd, more));
  try {
    await engine.api.call('POST', `/containers/${Id}/start`);
    return await use(Id);
  } finally {
    await remove(engine, Id);
  }
}

async function firstBytes(stream) {
  for await (const chunk of stream) return chunk;
  throw new Error('the stream ended without a byte');
}

async function attachOnce(engine) {
  const start = performance.now();
  const { Id } = await engine.api.create(of(['echo', 'hello'], { AttachStdout: true }));
  const stream = await engine.api.hijack(`/containers/${Id}/attach?stream=1&stdout=1&stderr=1`);
  const first = firstBytes(stream);
  await engine.api.call('POST', `/containers/${Id}/start`);
  await first;
  const result = performance.now() - start;
  stream.destroy();
  await remove(engine, Id);
  return result;
}

const trapping = ['sh', '-c', 'trap "exit 0" TERM; echo ready; while :; do sleep 1 & wait $!; done'];

async function stopOnce(engine) {
  return withContainer(engine, trapping, async (id) => {
    const response = await engine.api.open('GET', `/containers/${id}/logs?stdout=1&follow=1`);
    await firstBytes(response);
    response.destroy();
    return timed(() => engine.api.call('POST', `/containers/${id}/stop?t=10`));
  });
}

async function execOnce(engine, id) {
  return timed(async () => {
    const { Id } = await engine.api.call('POST', `/containers/${id}/exec`, {
      body: { Cmd: ['true'], AttachStdout: true, AttachStderr: true },
    });
    const stream = await engine.api.hijack(`/exec/${Id}/start`, { Detach: false, Tty: false });
    for await (const _ of stream);
    stream.destroy();
  });
}

async function parallelRuns(engine, { count, width }) {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await runOnce(engine);
  };
  const ms = await timed(() => Promise.all(Array.from({ length: width }, worker)));
  return count / (ms / 1000);
}

/** @param size { lines, layers… } from the command line: `quick` makes everything smaller */
export async function measuresFor({ quick, image, registry }) {
  const many = quick ? 5 : 20;
  const logLines = quick ? 200_000 : 1_000_000;
  const reference = `${registry}/bench/large`;
  return [
    {
      name: 'run',
      what: 'create, start, wait, remove of `true`',
      unit: 'ms',
      rounds: many,
      byHand: 'run',
      sample: (engine) => runOnce(engine),
    },
    {
      name: 'run-none',
      what: '… network none',
      unit: 'ms',
      rounds: many,
      byHand: 'run-none',
      sample: (engine) => runOnce(engine, { HostConfig: { NetworkMode: 'none' } }),
    },
    {
      name: 'run-8',
      what: '… 8 at a time',
      unit: '/s',
      higher: true,
      rounds: quick ? 1 : 3,
      sample: (engine) => parallelRuns(engine, { count: 32, width: 8 }),
    },
    {
      name: 'exec',
      what: 'exec of `true`',
      unit: 'ms',
      rounds: many,
      byHand: 'exec',
      before: async (engine) => {
        const { Id } = await engine.api.create(of(['sleep', '3600']));
        await engine.api.call('POST', `/containers/${Id}/start`);
        return Id;
      },
      sample: execOnce,
      after: remove,
    },
    { name: 'attach', what: 'create to first byte attached', unit: 'ms', rounds: many, byHand: 'attach', sample: attachOnce },
    {
      name: 'stop',
      what: 'stop of a container that handles SIGTERM',
      unit: 'ms',
      rounds: quick ? 3 : 10,
      byHand: 'stop',
      sample: stopOnce,
    },
    {
      name: 'list',
      what: 'list of 100 containers',
      unit: '/s',
      higher: true,
      rounds: 3,
      before: async (engine) => {
        const made = [];
        for (let i = 0; i < 100; i++) made.push((await engine.api.create(of(['true'], { ExposedPorts: { '80/tcp': {} } }))).Id);
        return made;
      },
      sample: async (engine) => {
        const count = quick ? 20 : 100;
        const ms = await timed(async () => {
          for (let i = 0; i < count; i++) await engine.api.drain('GET', '/containers/json?all=1');
        });
        return count / (ms / 1000);
      },
      after: async (engine, made) => {
        for (const id of made) await remove(engine, id);
      },
    },
    {
      name: 'logs-write',
      what: `${(logLines * 100) / 1e6} MB of log lines: until all are written`,
      unit: 'ms',
      rounds: 1,
      before: async (engine) =>
        (await engine.api.create(of(['sh', '-c', `yes ${'0123456789'.repeat(10).slice(1)} | head -n ${logLines}`]))).Id,
      sample: (engine, id) =>
        timed(async () => {
          await engine.api.call('POST', `/containers/${id}/start`);
          await engine.api.call('POST', `/containers/${id}/wait`);
        }),
      keep: 'logs',
    },
    {
      name: 'logs-read',
      what: '… until all are read by /logs',
      unit: 'ms',
      rounds: quick ? 2 : 3,
      uses: 'logs',
      sample: (engine, id) =>
        timed(async () => {
          const bytes = await engine.api.drain('GET', `/containers/${id}/logs?stdout=1&stderr=1`);
          if (bytes < logLines * 100) throw new Error(`${engine.name} gave ${bytes} bytes of ${logLines * 100}`);
        }),
      after: remove,
    },
    {
      name: 'pull',
      what: `pull of ${image.layers.length} layers, ${Math.round(image.bytes / 1e6)} MB`,
      unit: 'ms',
      rounds: quick ? 1 : 3,
      byHand: 'pull',
      sample: async (engine) => {
        const ms = await timed(() => engine.api.call('POST', `/images/create?fromImage=${encodeURIComponent(reference)}&tag=1`));
        await engine.api.call('DELETE', `/images/${reference}:1?force=1`);
        return ms;
      },
    },
    {
      name: 'load',
      what: 'load of the same, uncompressed',
      unit: 'ms',
      rounds: quick ? 1 : 3,
      byHand: 'load',
      sample: async (engine, _context, note) => {
        const body = largeArchive(image, 'bench/loaded:1');
        const ms = await timed(() =>
          engine.api.call('POST', '/images/load?quiet=1', { body, headers: { 'Content-Type': 'application/x-tar' } }),
        );
        note('delete', await timed(() => engine.api.call('DELETE', '/images/bench/loaded:1?force=1')));
        return ms;
      },
    },
    { name: 'delete', what: 'delete of it', unit: 'ms', byHand: 'delete', notedBy: 'load' },
    ...(await treeMeasures({ quick })),
    { name: 'idle', what: 'memory (PSS) idle', unit: 'MiB', rounds: 1, fresh: true, sample: async (engine) => pssMiB(engine.folder) },
    {
      name: 'with-20',
      what: 'memory (PSS) with 20 containers',
      unit: 'MiB',
      rounds: 1,
      fresh: true,
      before: async (engine) => {
        const made = [];
        for (let i = 0; i < 20; i++) {
          const { Id } = await engine.api.create(of(['sleep', '3600']));
          await engine.api.call('POST', `/containers/${Id}/start`);
          made.push(Id);
        }
        return made;
      },
      sample: async (engine) => pssMiB(engine.folder),
      after: async (engine, made) => {
        for (const id of made) await remove(engine, id);
      },
    },
    { name: 'start', what: 'engine start to first answer', unit: 'ms', rounds: quick ? 2 : 5, restart: true },
  ];
}

/** Loads the small image. */
export async function loadSmall(engine, archive) {
  await engine.api.call('POST', '/images/load?quiet=1', {
    body: Readable.from([archive]),
    headers: { 'Content-Type': 'application/x-tar' },
  });
  // Podman names it localhost/bench/small.
  await engine.api.call('GET', `/images/${smallImage}/json`);
}
