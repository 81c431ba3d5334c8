import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requests, send } from './fuzz.ts';
import { BASE, onGantry, startEngine, type TestEngine } from './harness.ts';

/**
 * Longer by GANTRY_FUZZ_RUNS=10000; a run that failed is repeated by GANTRY_FUZZ_SEED.
 * Left out: what waits by its nature, and what would take away from the others what they need.
 */
const RUNS = Number(process.env.GANTRY_FUZZ_RUNS ?? 400);
const WAITS = ['POST /containers/:name/wait', 'GET /containers/:name/attach/ws', 'GET /images/search'];

describe.runIf(onGantry)('whatever is asked', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    // Without a way out: no registry is asked, no name server waited for.
    engine = await startEngine({ wrap: ['unshare', '-n', 'sh', '-c', 'ip link set lo up; exec "$@"', 'sh'] });
  });
  /** What requests speak of, made again where one of them took it away. */
  async function furnish(): Promise<void> {
    const { client } = engine;
    await client.post('/networks/create', { Name: 'net', IPAM: { Config: [{ Subnet: '10.122.0.0/24' }] } });
    await client.post('/volumes/create', { Name: 'vol' });
    for (const name of ['box', 'run']) await client.post(`/containers/create?name=${name}`, { Image: BASE, Cmd: ['sleep', '3600'] });
    await client.post('/containers/run/start');
  }
  afterAll(async () => {
    for (const { Id } of (await engine.client.get('/containers/json?all=1')).json)
      await engine.client.delete(`/containers/${Id}?force=1&v=1`);
    await engine.client.post('/networks/prune');
    await engine.stop();
  });

  it('is answered: no hang, no crash, and no 500 that is our own mistake', async () => {
    let count = 0;
    const seed = process.env.GANTRY_FUZZ_SEED ? { seed: Number(process.env.GANTRY_FUZZ_SEED) } : {};
    await fc.assert(
      fc.asyncProperty(
        requests((key) => !WAITS.includes(key)),
        async (request) => {
          if (count++ % 40 === 0) await furnish();
          const { status, text } = await send(engine.socketPath, request);
          const said = `${status} ${text}`;
          if (status >= 400) {
            // An answer to a HEAD has no body.
            if (request.method !== 'HEAD') expect(text.trim(), said).not.toBe('');
            expect(said).not.toMatch(/TypeError|RangeError|is not a function|Cannot read prop|undefined|\[object Object\]|NaN\b/);
          }
          // A stack in the log: nobody thought of this.
          const trace = /^.*\n? +at .*\(?file:.*$|^.*(TypeError|RangeError|ReferenceError).*$/m.exec(engine.log());
          expect(trace?.[0], said).toBeUndefined();
        },
      ),
      { numRuns: RUNS, endOnFailure: true, ...seed },
    );
    expect((await engine.client.get('/_ping')).text).toBe('OK');
    expect((await engine.client.get('/containers/json?all=1')).status).toBe(200);
  }, 3_600_000);
});
