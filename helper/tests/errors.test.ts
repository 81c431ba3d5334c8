import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, create, ENGINE, launch, onGantry, startEngine, type TestEngine } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await create(engine.client, { name: 'taken', Cmd: ['true'] });
  await launch(engine.client, { name: 'running', Cmd: ['sleep', '1000'] });
}, 60_000);
afterAll(() => engine?.stop(), 60_000);

/** Method, path, body, status, text (without regard to case: dockerd's texts changed theirs between versions). */
type Case = [string, string, unknown, number, RegExp];

const CASES: Case[] = [
  ['GET', '/containers/nope/json', undefined, 404, /no such container: nope/i],
  ['GET', '/containers/nope/logs?stdout=1', undefined, 404, /no such container: nope/i],
  ['GET', '/containers/nope/top', undefined, 404, /no such container: nope/i],
  ['GET', '/containers/nope/changes', undefined, 404, /no such container: nope/i],
  ['GET', '/containers/nope/export', undefined, 404, /no such container: nope/i],
  ['GET', '/containers/nope/archive?path=/', undefined, 404, /no such container: nope|could not find the file/i],
  ['GET', '/containers/nope/stats?stream=0', undefined, 404, /no such container: nope/i],
  ['POST', '/containers/nope/start', undefined, 404, /no such container: nope/i],
  ['POST', '/containers/nope/stop', undefined, 404, /no such container: nope/i],
  ['POST', '/containers/nope/restart', undefined, 404, /no such container: nope/i],
  ['POST', '/containers/nope/kill', undefined, 404, /cannot kill container: nope: no such container: nope/i],
  ['POST', '/containers/nope/pause', undefined, 404, /no such container: nope/i],
  ['POST', '/containers/nope/wait', undefined, 404, /no such container: nope/i],
  ['POST', '/containers/nope/rename?name=x', undefined, 404, /no such container: nope/i],
  ['POST', '/containers/nope/resize?h=1&w=1', undefined, 404, /no such container: nope/i],
  ['POST', '/containers/nope/exec', { Cmd: ['a'] }, 404, /no such container: nope/i],
  ['POST', '/containers/nope/update', {}, 404, /no such container: nope/i],
  ['DELETE', '/containers/nope', undefined, 404, /no such container: nope/i],
  ['POST', '/exec/nope/start', {}, 404, /no such exec instance: nope/i],
  ['GET', '/exec/nope/json', undefined, 404, /no such exec instance: nope/i],
  ['POST', '/containers/running/exec', {}, 400, /no exec command specified/i],
  [
    'POST',
    '/containers/create?name=taken',
    { Image: BASE, Cmd: ['true'] },
    409,
    /conflict\. the container name "\/taken" is already in use by container "?[0-9a-f]{64}"?\. you have to remove \(or rename\) that container to be able to reuse that name/i,
  ],
  [
    'POST',
    '/containers/create?name=a%20b',
    { Image: BASE },
    400,
    /invalid container name \(a b\), only \[a-zA-Z0-9\]\[a-zA-Z0-9_\.-\] are allowed/i,
  ],
  ['POST', '/containers/create', { Image: 'no/such:image', Cmd: ['true'] }, 404, /no such image: no\/such:image/i],
  [
    'POST',
    '/containers/create',
    { Image: 'UPPER', Cmd: ['true'] },
    400,
    /invalid reference format: repository name (\(library\/UPPER\) )?must be lowercase/i,
  ],
  [
    'POST',
    '/containers/create',
    { Image: BASE, Entrypoint: [], Cmd: [], HostConfig: { Binds: ['/a:b'] } },
    400,
    /invalid (mount config|volume specification|mount path)/i,
  ],
  ['POST', '/containers/create', { Image: BASE, HostConfig: { Memory: 1 } }, 400, /minimum memory limit allowed is [46]mb/i],
  [
    'POST',
    '/containers/create',
    { Image: BASE, HostConfig: { NetworkMode: 'bridge', PortBindings: { '80/xyz': [{}] } } },
    400,
    /invalid (proto|port)/i,
  ],
  [
    'POST',
    '/containers/create',
    { Image: BASE, HostConfig: { RestartPolicy: { Name: 'sometimes' } } },
    400,
    /(invalid restart policy|unknown policy).*sometimes/i,
  ],
  ['POST', '/containers/create', { Image: BASE, StopSignal: 'SIGNOPE' }, 400, /invalid signal: SIGNOPE/i],
  ['POST', '/containers/create', { Image: BASE, Env: ['=x'] }, 400, /invalid environment variable: =x/i],
  [
    'POST',
    '/containers/create',
    { Image: BASE, WorkingDir: 'relative' },
    400,
    /the working directory 'relative' is invalid[.,] it needs to be an absolute path/i,
  ],
  [
    'POST',
    '/containers/create',
    { Image: BASE, HostConfig: { Mounts: [{ Type: 'bind', Source: '/no/such/folder', Target: '/x' }] } },
    400,
    /invalid mount config for type "bind": bind source path does not exist: \/no\/such\/folder/i,
  ],
  ['POST', '/containers/running/rename?name=taken', undefined, 409, /name "\/?taken" is already in use/i],
  ['POST', '/containers/running/rename?name=', undefined, 400, /neither old nor new names may be empty/i],
  ['POST', '/containers/running/rename?name=running', undefined, 400, /renaming a container with the same name as its current name/i],
  ['POST', '/containers/taken/kill', undefined, 409, /cannot kill container: taken: container [0-9a-f]{64} is not running/i],
  ['POST', '/containers/running/kill?signal=NOPE', undefined, 400, /invalid signal: NOPE/i],
  ['POST', '/containers/taken/pause', undefined, 409, /container [0-9a-f]{64} is not running/i],
  ['GET', '/containers/taken/top', undefined, 409, /container [0-9a-f]{64} is not running/i],
  ['POST', '/containers/taken/resize?h=1&w=1', undefined, 409, /is not running/i],
  [
    'GET',
    '/containers/running/archive?path=/no/such',
    undefined,
    404,
    /could not find the file \/no\/such in container (running|[0-9a-f]{64})/i,
  ],
  ['PUT', '/containers/running/archive?path=/etc/passwd', undefined, 400, /extraction point is not a directory/i],
  ['GET', '/images/nope/json', undefined, 404, /no such image: nope(:latest)?/i],
  ['GET', '/images/nope/history', undefined, 404, /no such image: nope:latest/i],
  ['DELETE', '/images/nope', undefined, 404, /no such image: nope:latest/i],
  ['POST', '/images/nope/tag?repo=a', undefined, 404, /no such image: nope:latest/i],
  ['POST', `/images/${BASE}/tag?repo=UP`, undefined, 400, /invalid reference format/i],
  [
    'DELETE',
    `/images/${BASE}`,
    undefined,
    409,
    /conflict: unable to remove repository reference "gantry-test\/base:1" \(must force\) - container [0-9a-f]{12} is using its referenced image [0-9a-f]{12}/i,
  ],
  ['POST', '/images/create?fromImage=UPPER', undefined, 400, /invalid reference format/i],
  ['GET', '/networks/nope', undefined, 404, /network nope not found/i],
  ['DELETE', '/networks/nope', undefined, 404, /network nope not found/i],
  ['DELETE', '/networks/bridge', undefined, 403, /bridge is a pre-defined network and cannot be removed/i],
  ['POST', '/networks/create', { Name: 'host' }, 403, /operation is not permitted on predefined host network/i],
  ['POST', '/networks/create', { Name: 'bridge', CheckDuplicate: true }, 403, /operation is not permitted on predefined bridge network/i],
  ['POST', '/networks/create', { Name: 'x', Driver: 'nope' }, 404, /plugin "?nope"? not found|could not find (plugin|driver).*nope/i],
  ['POST', '/networks/nope/connect', { Container: 'running' }, 404, /network nope not found/i],
  ['POST', '/networks/bridge/connect', { Container: 'nope' }, 404, /no such container: nope/i],
  ['GET', '/volumes/nope', undefined, 404, /get nope: no such volume/i],
  ['DELETE', '/volumes/nope', undefined, 404, /get nope: no such volume/i],
  ['POST', '/volumes/create', { Name: 'a' }, 400, /volume name is too short, names should be at least two alphanumeric characters/i],
  [
    'POST',
    '/volumes/create',
    { Name: 'a/b' },
    400,
    /"a\/b" includes invalid characters for a local volume name, only "\[a-zA-Z0-9\]\[a-zA-Z0-9_\.-\]" are allowed/i,
  ],
  ['POST', '/volumes/create', { Name: 'ok', Driver: 'nope' }, 404, /(error looking up volume plugin nope|plugin "nope" not found)/i],
  ['POST', '/commit?container=nope', undefined, 404, /no such container: nope/i],
  [
    'GET',
    '/containers/json?filters={"status":["wrong"]}',
    undefined,
    400,
    /(unrecognised filter value for status|invalid filter 'status).*wrong/i,
  ],
  ['GET', '/containers/json?filters={"nope":["x"]}', undefined, 400, /invalid filter 'nope'/i],
  ['GET', '/networks?filters={"nope":["x"]}', undefined, 400, /invalid filter 'nope'/i],
  ['GET', '/volumes?filters={"nope":["x"]}', undefined, 400, /invalid filter 'nope'/i],
  ['GET', '/images/json?filters={"nope":["x"]}', undefined, 400, /invalid filter 'nope'/i],
  ['GET', '/containers/running/logs', undefined, 400, /(at least one of 'stdout' or 'stderr'|choose at least one stream)/i],
  ['GET', '/containers/json?filters={"is-task":["x"]}', undefined, 400, /invalid filter 'is-task=\[x\]'/i],
  ['GET', '/images/json?filters={"until":["x"]}', undefined, 400, /failed to parse value as time or duration: "x"/i],
  ['POST', '/volumes/prune?filters={"all":["x"]}', undefined, 400, /invalid filter 'all': strconv.ParseBool: parsing "x": invalid syntax/i],
  ['POST', '/images/create?fromImage=scratch', undefined, 403, /'scratch' is a reserved name/],
  ['GET', '/volumes/', undefined, 404, /get: no such volume/],
  ['GET', '/volumes/a/b', undefined, 404, /get a\/b: no such volume/],
  ['GET', '/networks/a/b', undefined, 404, /network a\/b not found/],
  ['GET', '/nope', undefined, 404, /page not found/i],
];

/** Where dockerd 20.10 answers otherwise than today's, which is what we follow. */
const TODAY = new Set([
  'GET /images/json?filters={"until":["x"]}',
  'POST /volumes/prune?filters={"all":["x"]}',
  'POST /containers/create {"Image":"BASE","Entrypoint":[],"Cmd":[],"HostConfig":{"Binds":["/a:b"]}}',
  'POST /containers/create {"Image":"BASE","HostConfig":{"NetworkMode":"bridge","PortBindings":{"80/xyz":[{}]}}}',
  'PUT /containers/running/archive?path=/etc/passwd',
  'POST /images/BASE/tag?repo=UP',
  'POST /containers/create {"Image":"BASE","HostConfig":{"RestartPolicy":{"Name":"sometimes"}}}',
]);

describe(`bad input on ${ENGINE}`, { timeout: 20_000 }, () => {
  for (const [method, path, body, status, text] of CASES) {
    const title = `${method} ${path}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`;
    it.skipIf(!onGantry && TODAY.has(title.replaceAll(BASE, 'BASE')))(`${title} is ${status}`, async () => {
      const target = path.replace(/[{}"[\]]/g, (character) => encodeURIComponent(character));
      const answer = await engine.client.ask(method, target, body === undefined ? {} : { json: body });
      expect({ status: answer.status, message: answer.json?.message }).toEqual({ status, message: expect.stringMatching(text) });
    });
  }

  it('a command that is not in the image, or no program, keeps the container created', async () => {
    for (const [command, text] of [
      ['no-such-command', /exec: "no-such-command": executable file not found in \$PATH/],
      ['/no/such/file', /"\/no\/such\/file": (stat \/no\/such\/file: )?no such file or directory/],
      ['/etc/not-executable', /"\/etc\/not-executable": permission denied/],
    ] as const) {
      const id = await create(engine.client, { Cmd: [command] });
      const started = await engine.client.post(`/containers/${id}/start`);
      expect(started.status).toBe(400);
      expect(started.json.message).toMatch(text);
      const { State } = (await engine.client.get(`/containers/${id}/json`)).json;
      expect(State).toMatchObject({ Status: 'created', Running: false, ExitCode: command === '/etc/not-executable' ? 126 : 127 });
    }
  });

  it("another container's network is looked for at the start", async () => {
    const id = await create(engine.client, { Cmd: ['true'], HostConfig: { NetworkMode: 'container:nope' } });
    const started = await engine.client.post(`/containers/${id}/start`);
    expect({ status: started.status, message: started.json.message }).toEqual({
      status: 500,
      message: 'joining network namespace of container: No such container: nope',
    });
  });

  it('a limit of kernel memory is taken from clients that know it, and shown', async () => {
    const ask = (version: string, KernelMemory: number) =>
      engine.at(version).post('/containers/create', { Image: BASE, HostConfig: { KernelMemory } });
    const shown = async (id: string) => (await engine.client.get(`/containers/${id}/json`)).json.HostConfig.KernelMemory;
    const { json } = await ask('1.41', 8 * 2 ** 20);
    // A warning where the kernel has no such limit, which then is none.
    expect(await shown(json.Id)).toBe(json.Warnings.length ? undefined : 8 * 2 ** 20);
    if (json.Warnings.length) return;
    expect((await ask('1.41', 4096)).json.message).toMatch(/minimum kernel memory limit allowed is [46]MB/i);
    if (onGantry) expect(await shown((await ask('1.42', 4096)).json.Id)).toBeUndefined();
  });

  it('a port in use names who holds it', async () => {
    const publish = {
      Cmd: ['sleep', '1000'],
      ExposedPorts: { '80/tcp': {} },
      HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '48123' }] } },
    };
    const holder = await launch(engine.client, { name: 'holder', ...publish });
    const id = await create(engine.client, publish);
    const started = await engine.client.post(`/containers/${id}/start`);
    expect(started.status).toBe(500);
    expect(started.json.message).toMatch(/port is already allocated|48123.*holder/);
    expect((await engine.client.get(`/containers/${id}/json`)).json.State.Running).toBe(false);
    await engine.client.delete(`/containers/${holder}?force=1`);
    expect((await engine.client.post(`/containers/${id}/start`)).status).toBe(204);
  });
});
