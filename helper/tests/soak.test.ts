import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, BASE, demultiplex, eventually, onGantry, startEngine, type TestEngine } from './harness.ts';
import { engineTraces, residentBytes } from './leftovers.ts';

/** `npm run soak` gives more of both. */
const SECONDS = Number(process.env.GANTRY_SOAK_SECONDS ?? 12);
const CLIENTS = Number(process.env.GANTRY_SOAK_CLIENTS ?? 8);
/** No single request takes so long, however many there are: it hangs. */
const HANGS_MS = 90_000;
/** Of the 31 that an engine has addresses for; other engines on this machine have some, too. */
const MOST_NETWORKS = 6;
/** Node and the pools of threads take some for themselves when there is work, and give it back late. */
const SPARE_DESCRIPTORS = 8;
const SPARE_BYTES = 160 * 2 ** 20;

const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)] as T;
const chance = (of: number): boolean => Math.random() < of;

/** Clients that create, start, look at, change, execute in, stop and remove containers at the same time, as fast as they can. */
describe.runIf(onGantry)(`${CLIENTS} clients at once`, { timeout: SECONDS * 1000 + 300_000 }, () => {
  let engine: TestEngine;
  let networks = 0;
  const slowest = new Map<string, { times: number; mostMs: number }>();
  beforeAll(async () => {
    engine = await startEngine();
  }, 60_000);
  afterAll(() => engine?.stop(), 120_000);

  /** One request. @throws when it hangs, or answers what it must not */
  async function ask(what: string, allowed: readonly number[], request: () => Promise<Answer>): Promise<Answer> {
    const started = performance.now();
    const timer = new AbortController();
    const late = delay(HANGS_MS, undefined, { signal: timer.signal }).then(
      () => Promise.reject(new Error(`${what} hangs`)),
      () => new Promise<never>(() => undefined),
    );
    const answer = await Promise.race([request(), late]).finally(() => timer.abort());
    const tookMs = performance.now() - started;
    const known = slowest.get(what) ?? { times: 0, mostMs: 0 };
    slowest.set(what, { times: known.times + 1, mostMs: Math.max(known.mostMs, Math.round(tookMs)) });
    if (!allowed.includes(answer.status)) throw new Error(`${what}: ${answer.status} ${answer.text}`);
    return answer;
  }

  /** The life of one container, and sometimes of a network and a volume of its own. */
  async function life(name: string): Promise<void> {
    const { client } = engine;
    const own = networks < MOST_NETWORKS && chance(0.2);
    const volume = chance(0.3);
    const tty = chance(0.2);
    const autoRemove = chance(0.2);
    if (own) {
      networks += 1;
      await ask('network create', [201], () => client.post('/networks/create', { Name: name }));
    }
    const { Id } = (
      await ask('create', [201], () =>
        client.post(`/containers/create?name=${name}`, {
          Image: BASE,
          Cmd: ['sh', '-c', chance(0.3) ? 'echo began; sleep 0.2; exit 3' : 'echo began; exec sleep 1000'],
          Tty: tty,
          ...(chance(0.2) ? { Healthcheck: { Test: ['CMD', 'true'], Interval: 100_000_000 } } : {}),
          HostConfig: {
            AutoRemove: autoRemove,
            NetworkMode: own ? name : pick(['bridge', 'none', 'host']),
            Binds: volume ? [`${name}:/data`] : [],
            RestartPolicy: autoRemove || chance(0.5) ? {} : { Name: 'on-failure', MaximumRetryCount: 1 },
          },
        }),
      )
    ).json;
    const at = `/containers/${Id}`;
    await ask('start', [204], () => client.post(`${at}/start`));
    // From here on it may end by itself, and remove itself.
    const looks: (() => Promise<unknown>)[] = [
      async () => {
        const exec = await ask('exec create', [201, 404, 409], () =>
          client.post(`${at}/exec`, { Cmd: ['echo', 'well'], AttachStdout: true }),
        );
        if (exec.status !== 201) return;
        const ran = await ask('exec', [200, 404, 409], () => client.post(`/exec/${exec.json.Id}/start`, {}));
        const said = demultiplex(Buffer.from(ran.text)).stdout;
        if (ran.status === 200 && !/^well\n$|is not running|^$/.test(said)) throw new Error(`exec said ${JSON.stringify(ran.text)}`);
      },
      () => ask('logs', [200, 404], () => client.get(`${at}/logs?stdout=1&stderr=1`)),
      () => ask('inspect', [200, 404], () => client.get(`${at}/json`)),
      () => ask('list', [200], () => client.get('/containers/json?all=1')),
      () => ask('stats', [200, 404], () => client.get(`${at}/stats?stream=0&one-shot=1`)),
      () => ask('top', [200, 404, 409], () => client.get(`${at}/top`)),
      () => ask('rename', [204, 404, 409], () => client.post(`${at}/rename?name=${name}-${Math.random()}`)),
      () => ask('archive', [200, 404], () => client.get(`${at}/archive?path=/etc`)),
      async () => {
        const paused = await ask('pause', [204, 404, 409], () => client.post(`${at}/pause`));
        // It may have ended just before it was frozen.
        if (paused.status === 204) await ask('unpause', [204, 404, 409, 500], () => client.post(`${at}/unpause`));
      },
      () => ask('restart', [204, 404, 409], () => client.post(`${at}/restart?t=0`)),
      async () => {
        await ask('commit', [201, 404, 409], () => client.post(`/commit?container=${Id}&repo=${name}`));
        await ask('image remove', [200, 404], () => client.delete(`/images/${name}?force=1`));
      },
    ];
    for (let count = Math.floor(Math.random() * 5); count >= 0; count -= 1) await pick(looks)();
    if (chance(0.5)) await ask('stop', [204, 304, 404], () => client.post(`${at}/stop?t=0`));
    await ask('remove', [204, 404, 409], () => client.delete(`${at}?force=1&v=1`));
    await eventually('it is gone', async () => (await client.get(`${at}/json`)).status === 404, HANGS_MS);
    if (volume) await ask('volume remove', [204, 404], () => client.delete(`/volumes/${name}?force=1`));
    if (own) {
      await ask('network remove', [204], () => client.delete(`/networks/${name}`));
      networks -= 1;
    }
  }

  /** All that the engine holds of the kernel and of its folders. */
  function holds() {
    const { processes, links, cgroups } = engineTraces(engine.folder);
    const inside = (...names: string[]): string[] =>
      readdirSync(path.join(engine.folder, ...names)).filter((name) => !name.startsWith('.'));
    return {
      mounts: readFileSync(`/proc/${engine.pid}/mountinfo`, 'utf8').split('\n').length,
      processes: processes.length,
      links,
      cgroups: cgroups.flatMap((group) =>
        readdirSync(group, { withFileTypes: true })
          .filter((entry) => entry.isDirectory())
          .map(({ name }) => name),
      ),
      containers: inside('data', 'containers'),
      running: [...inside('run', 'containers'), ...inside('run', 'runtime'), ...inside('run', 'exits')],
      namespaces: inside('run').includes('netns') ? inside('run', 'netns') : [],
      networks: inside('data', 'networks').length,
      volumes: inside('data', 'volumes'),
    };
  }
  const descriptors = (): number => readdirSync(`/proc/${engine.pid}/fd`).length;

  /** Each client at least one, until the time is over. @returns how many */
  async function lives(name: string, until: number): Promise<number> {
    const failures: unknown[] = [];
    let count = 0;
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, at) => {
        let round = 0;
        do {
          await life(`${name}${at}-${round}`).catch((error) => failures.push(error));
          round += 1;
          count += 1;
        } while (Date.now() < until && failures.length === 0);
      }),
    );
    if (failures.length > 0) throw failures[0];
    return count;
  }

  it(`for ${SECONDS} s: none hangs, none fails, and nothing is left`, async () => {
    await lives('warm', Date.now());
    // Folders are deleted a moment after their container is gone.
    const idle = (): boolean => [holds().containers, holds().running].every((ids) => JSON.stringify(ids) === '[]');
    await eventually('what was removed is gone', idle);
    const before = holds();
    const [descriptorsBefore, bytesBefore] = [descriptors(), residentBytes(engine.pid)];
    const deadline = Date.now() + SECONDS * 1000;
    const count = await lives('soak', deadline);
    if (process.env.GANTRY_SOAK_SECONDS)
      report(count, { descriptors: [descriptorsBefore, descriptors()], bytes: [bytesBefore, residentBytes(engine.pid)] });
    // Layers of images that the first clients had removed may still have been mounted: fewer mounts are no fault.
    const after = () => ({ ...holds(), mounts: Math.max(before.mounts, holds().mounts) });
    await eventually('what was removed is gone', () => JSON.stringify(after()) === JSON.stringify(before)).catch(() => undefined);
    expect(after()).toEqual(before);
    await eventually('descriptors are closed', () => descriptors() <= descriptorsBefore + SPARE_DESCRIPTORS).catch(() => undefined);
    expect(descriptors()).toBeLessThanOrEqual(descriptorsBefore + SPARE_DESCRIPTORS);
    expect(residentBytes(engine.pid)).toBeLessThan(bytesBefore + SPARE_BYTES);
    expect(engine.log()).not.toMatch(/nobody handled/);
  });

  function report(lives: number, { descriptors: fds, bytes }: { descriptors: number[]; bytes: number[] }): void {
    const requests = [...slowest].sort(([a], [b]) => a.localeCompare(b));
    const lines = requests.map(
      ([what, { times, mostMs }]) => `  ${what.padEnd(16)} ${String(times).padStart(7)} times, ${mostMs} ms at most`,
    );
    const mebibytes = bytes.map((count) => Math.round(count / 2 ** 20)).join(' → ');
    process.stdout.write(`${lives} containers by ${CLIENTS} clients in ${SECONDS} s\n${lines.join('\n')}\n`);
    process.stdout.write(`descriptors ${fds.join(' → ')}, resident ${mebibytes} MiB\n`);
  }
});
