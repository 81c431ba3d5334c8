import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { create, demultiplex, ENGINE, launch, onGantry, startEngine, type TestEngine, waitFor } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
}, 60_000);
afterAll(() => engine?.stop(), 60_000);

/** The whole of an answer, raw. */
async function bytes(target: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await engine.client.open('GET', target)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe(`logs on ${ENGINE}`, { timeout: 30_000 }, () => {
  let id = '';
  beforeAll(async () => {
    id = await launch(engine.client, {
      Cmd: ['sh', '-c', 'for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done; printf "no end 中文"'],
    });
    await waitFor(engine.client, id);
  });

  it('have both streams in frames, each alone on request', async () => {
    const both = demultiplex(await bytes(`/containers/${id}/logs?stdout=1&stderr=1`));
    expect(both.stdout).toBe('out 1\nout 2\nout 3\nout 4\nout 5\nno end 中文');
    expect(both.stderr).toBe('err 1\nerr 2\nerr 3\nerr 4\nerr 5\n');
    expect(demultiplex(await bytes(`/containers/${id}/logs?stderr=1`)).all).toBe(both.stderr);
  });

  it('give the last lines with tail', async () => {
    const lines = await launch(engine.client, { Cmd: ['seq', '1', '1000'] });
    await waitFor(engine.client, lines);
    expect(demultiplex(await bytes(`/containers/${lines}/logs?stdout=1&tail=2`)).all).toBe('999\n1000\n');
    expect(demultiplex(await bytes(`/containers/${lines}/logs?stdout=1&tail=0`)).all).toBe('');
    expect(demultiplex(await bytes(`/containers/${lines}/logs?stdout=1&tail=all`)).all).toMatch(/^1\n2\n/);
  });

  it('carry times, and since and until cut by them', async () => {
    const lines = demultiplex(await bytes(`/containers/${id}/logs?stdout=1&timestamps=1`)).all.split('\n');
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z out 1$/);
    const later = Date.now() / 1000 + 60;
    expect(demultiplex(await bytes(`/containers/${id}/logs?stdout=1&since=${later}`)).all).toBe('');
    expect(demultiplex(await bytes(`/containers/${id}/logs?stdout=1&until=1`)).all).toBe('');
  });

  it('follow until the container ends', async () => {
    const slow = await launch(engine.client, { Cmd: ['sh', '-c', 'for i in 1 2 3; do echo $i; sleep 0.1; done'] });
    expect(demultiplex(await bytes(`/containers/${slow}/logs?stdout=1&follow=1`)).all).toBe('1\n2\n3\n');
  });

  it('of a terminal are raw', async () => {
    const tty = await launch(engine.client, { Tty: true, Cmd: ['echo', 'plain'] });
    await waitFor(engine.client, tty);
    expect((await bytes(`/containers/${tty}/logs?stdout=1`)).toString()).toBe('plain\r\n');
  });

  it('lose nothing of a long line or of many', async () => {
    const long = await launch(engine.client, { Cmd: ['sh', '-c', 'head -c 100000 /dev/zero | tr "\\0" x; echo; seq 1 20000'] });
    await waitFor(engine.client, long);
    const text = demultiplex(await bytes(`/containers/${long}/logs?stdout=1`)).all;
    const [first = '', ...rest] = text.split('\n');
    expect(first.length).toBe(100_000);
    expect(rest.filter(Boolean)).toEqual(Array.from({ length: 20_000 }, (_, i) => `${i + 1}`));
  });
});

describe(`attach on ${ENGINE}`, { timeout: 30_000 }, () => {
  it('carries input, both outputs, and half close', async () => {
    const id = await create(engine.client, {
      Cmd: ['sh', '-c', 'echo hi >&2; cat; echo end'],
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
    });
    const raw = await engine.client.hijack(`/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`);
    await engine.client.post(`/containers/${id}/start`);
    raw.write('told\n');
    await raw.until('told\n');
    raw.end();
    await raw.ended();
    expect(raw.frames()).toMatchObject({ stdout: 'told\nend\n', stderr: 'hi\n' });
    expect(await waitFor(engine.client, id)).toBe(0);
  });

  it('to a terminal is raw, echoes, and resizes', async () => {
    const id = await create(engine.client, { Cmd: ['sh'], Tty: true, OpenStdin: true });
    const raw = await engine.client.hijack(`/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`);
    await engine.client.post(`/containers/${id}/start`);
    expect((await engine.client.post(`/containers/${id}/resize?h=33&w=111`)).status).toBe(200);
    raw.write('stty size\n');
    await raw.until('33 111\r\n');
    raw.write('echo 你好\n');
    await raw.until('\r\n你好\r\n');
    raw.write('exit 9\n');
    await raw.ended();
    expect(await waitFor(engine.client, id)).toBe(9);
  });

  it('detach keys leave the process running', async () => {
    const id = await create(engine.client, { Cmd: ['sh'], Tty: true, OpenStdin: true });
    const raw = await engine.client.hijack(`/containers/${id}/attach?stream=1&stdin=1&stdout=1&detachKeys=ctrl-a,x`);
    await engine.client.post(`/containers/${id}/start`);
    raw.write('echo here$((1+1))\n');
    await raw.until('here2');
    raw.write('\x01x');
    await raw.ended();
    expect((await engine.client.get(`/containers/${id}/json`)).json.State.Running).toBe(true);
    const again = await engine.client.hijack(`/containers/${id}/attach?stream=1&stdin=1&stdout=1`);
    again.write('echo back$((1+1))\n');
    await again.until('back2');
    again.destroy();
    await engine.client.delete(`/containers/${id}?force=1`);
  });

  it('replays the log first when asked', async () => {
    const id = await launch(engine.client, { Cmd: ['sh', '-c', 'echo before; sleep 1000'] });
    const logs = await engine.client.open('GET', `/containers/${id}/logs?stdout=1&follow=1`);
    await new Promise((resolve) => logs.once('data', resolve));
    logs.destroy();
    const raw = await engine.client.hijack(`/containers/${id}/attach?stream=1&stdout=1&logs=1`);
    await raw.until('before\n');
    await engine.client.post(`/containers/${id}/kill`);
    await raw.ended();
  });
});

describe(`exec on ${ENGINE}`, { timeout: 30_000 }, () => {
  let id = '';
  beforeAll(async () => {
    id = await launch(engine.client, { Cmd: ['sleep', '1000'], Env: ['FROM=container'] });
  });
  const prepare = async (config: object) =>
    (await engine.client.post(`/containers/${id}/exec`, { AttachStdout: true, AttachStderr: true, ...config })).json.Id;
  const inspect = async (exec: string) => (await engine.client.get(`/exec/${exec}/json`)).json;

  it('gives output, exit code, and what was asked', async () => {
    const exec = await prepare({
      Cmd: ['sh', '-c', 'echo $FROM $MORE; id -un; pwd; echo bad >&2; exit 3'],
      Env: ['MORE=exec'],
      User: 'alice',
      WorkingDir: '/tmp',
    });
    expect(await inspect(exec)).toMatchObject({ ID: exec, Running: false, ExitCode: null, ContainerID: id });
    const raw = await engine.client.hijack(`/exec/${exec}/start`, { Detach: false, Tty: false });
    await raw.ended();
    expect(raw.frames()).toMatchObject({ stdout: 'container exec\nalice\n/tmp\n', stderr: 'bad\n' });
    expect(await inspect(exec)).toMatchObject({
      Running: false,
      ExitCode: 3,
      ProcessConfig: { tty: false, entrypoint: 'sh', user: 'alice' },
    });
  });

  it('takes input, and its end', async () => {
    const exec = await prepare({ Cmd: ['cat'], AttachStdin: true });
    const raw = await engine.client.hijack(`/exec/${exec}/start`, { Tty: false });
    raw.write('through\n');
    await raw.until('through\n');
    raw.end();
    await raw.ended();
    expect((await inspect(exec)).ExitCode).toBe(0);
  });

  it('has a terminal that resizes', async () => {
    const exec = await prepare({ Cmd: ['sh'], AttachStdin: true, Tty: true });
    const raw = await engine.client.hijack(`/exec/${exec}/start`, { Tty: true });
    raw.write('echo ready$((1+1))\n');
    await raw.until('ready2');
    expect((await engine.client.post(`/exec/${exec}/resize?h=44&w=99`)).status).toBe(200);
    raw.write('stty size\n');
    await raw.until('44 99');
    raw.write('exit 6\n');
    await raw.ended();
    expect((await inspect(exec)).ExitCode).toBe(6);
  });

  it('takes a size that comes before it runs, as soon as it does', async () => {
    const exec = await prepare({ Cmd: ['sh'], AttachStdin: true, Tty: true });
    const resized = engine.client.post(`/exec/${exec}/resize?h=45&w=98`);
    const raw = await engine.client.hijack(`/exec/${exec}/start`, { Tty: true });
    expect((await resized).status).toBe(200);
    raw.write('stty size; exit\n');
    await raw.until('45 98');
    await raw.ended();
    expect((await engine.client.post(`/exec/${exec}/resize?h=1&w=1`)).status).toBe(409);
  });

  it('detached runs on its own', async () => {
    const exec = await prepare({ Cmd: ['sh', '-c', 'echo done > /tmp/detached'] });
    const events = await engine.client.open('GET', `/events?filters=${encodeURIComponent(JSON.stringify({ event: ['exec_die'] }))}`);
    expect((await engine.client.post(`/exec/${exec}/start`, { Detach: true })).status).toBe(200);
    for await (const chunk of events) if ((chunk as Buffer).toString().includes(exec)) break;
    expect((await inspect(exec)).ExitCode).toBe(0);
  });

  it('says in the stream that a command is not there, with exit code 127', async () => {
    const exec = await prepare({ Cmd: ['no-such-command'], Tty: true });
    const raw = await engine.client.hijack(`/exec/${exec}/start`, { Tty: true });
    await raw.ended();
    expect(raw.text()).toMatch(/executable file not found in \$PATH/);
    expect([126, 127]).toContain((await inspect(exec)).ExitCode);
  });

  // dockerd has it from API 1.42 on.
  it.runIf(onGantry)(
    'has a terminal of the size that was asked for before it looks, though many start at once, and is no favourite',
    async () => {
      const look = async (): Promise<string> => {
        // The 41st value of stat is how the process is scheduled: 0 as all are.
        const exec = await prepare({ Cmd: ['sh', '-c', 'stty size; cut -d" " -f41 /proc/self/stat'], Tty: true, ConsoleSize: [57, 123] });
        const raw = await engine.client.hijack(`/exec/${exec}/start`, { Tty: true });
        await raw.ended();
        return raw.text();
      };
      for (let round = 0; round < 5; round += 1) {
        const seen = await Promise.all(Array.from({ length: 8 }, look));
        expect(seen.filter((text) => text !== '57 123\r\n0\r\n')).toEqual([]);
      }
    },
  );

  it('is refused in a paused container and a stopped one', async () => {
    const exec = await prepare({ Cmd: ['true'] });
    await engine.client.post(`/containers/${id}/pause`);
    expect((await engine.client.post(`/containers/${id}/exec`, { Cmd: ['true'] })).status).toBe(409);
    await engine.client.post(`/containers/${id}/unpause`);
    const stopped = await create(engine.client, { Cmd: ['true'] });
    const refused = await engine.client.post(`/containers/${stopped}/exec`, { Cmd: ['true'] });
    expect(refused.status).toBe(409);
    expect(refused.json.message).toMatch(/is not running/);
    expect(exec).toMatch(/^[0-9a-f]{64}$/);
  });
});
