import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, ENGINE, eventually, onGantry, startEngine, type TestEngine } from './harness.ts';
import { Terminal } from './pty.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
}, 60_000);
afterAll(() => engine?.stop(), 60_000);

const docker = (...args: string[]) => engine.docker(args);
const terminal = (...args: string[]) => new Terminal('docker', args, engine.env);

describe(`the docker CLI on ${ENGINE}`, { timeout: 40_000 }, () => {
  it('run prints both streams and gives the exit code', async () => {
    const result = await docker('run', '--rm', '-e', 'WHO=world', BASE, 'sh', '-c', 'echo hello $WHO 你好; echo bad >&2; exit 42');
    expect(result).toEqual({ code: 42, stdout: 'hello world 你好\n', stderr: 'bad\n' });
    expect((await docker('ps', '-aq')).stdout).toBe('');
  });

  it('run -i pipes input to its end', async () => {
    const input = 'line\n'.repeat(50_000);
    const result = await engine.docker(['run', '-i', '--rm', BASE, 'cat'], { input });
    expect(result.code).toBe(0);
    expect(result.stdout.length).toBe(input.length);
  });

  it('run exits 127 for a command that is not there, 126 for one that is no program, 125 for bad flags', async () => {
    const missing = await docker('run', '--rm', BASE, 'no-such-command');
    expect(missing).toMatchObject({ code: 127, stderr: expect.stringContaining('executable file not found in $PATH') });
    expect((await docker('run', '--rm', BASE, '/etc/not-executable')).code).toBe(126);
    expect((await docker('run', '--rm', '--network', 'no-such-network', BASE, 'true')).code).toBe(125);
    expect((await docker('ps', '-aq')).stdout).toBe('');
  });

  it('run -it is a terminal: echo, size and its change, Ctrl-C, Chinese text, exit code', async () => {
    const shell = terminal('run', '-it', '--rm', BASE, 'sh');
    await shell.until('# ');
    // The CLI does not listen for resizes from its first moment on; the shell sees one when signal and request came through.
    let columns = 100;
    await eventually('the size has arrived', async () => {
      columns += 1;
      shell.resize(40, columns);
      // Asked again: on one processor the first question overtakes the request for the new size, every time.
      shell.type('stty size; sleep 0.3; stty size\r');
      return shell.until(`40 ${columns}`, 2000).then(
        () => true,
        () => undefined,
      );
    });
    shell.type('echo 中文$((40+2))\r');
    await shell.until('中文42');
    // Until the shell has left its line editor, Ctrl-C is but a character.
    shell.type('echo now$((1+1)); sleep 1000\r');
    await shell.until('now2');
    shell.type('\x03');
    await shell.until('# ');
    shell.type('exit 5\r');
    expect(await shell.ended()).toBe(5);
  });

  it('run -d, logs -f, stop', async () => {
    const id = (
      await docker('run', '-d', '--name', 'server', BASE, 'sh', '-c', 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.05; done')
    ).stdout.trim();
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    const logs = terminal('logs', '-f', 'server');
    await logs.until('up');
    expect(await docker('stop', 'server')).toMatchObject({ code: 0, stdout: 'server\n' });
    await logs.until('bye');
    expect(await logs.ended()).toBe(0);
    expect((await docker('ps', '-a', '--format', '{{.Names}} {{.Status}}')).stdout).toMatch(/^server Exited \(0\)/);
    expect((await docker('rm', 'server')).code).toBe(0);
  });

  it('exec -it is a shell in a running container; exec gives its exit code', async () => {
    await docker('run', '-d', '--name', 'box', BASE, 'sleep', '1000');
    expect((await docker('exec', 'box', 'sh', '-c', 'exit 9')).code).toBe(9);
    expect((await docker('exec', 'box', 'no-such-command')).code).toBe(127);
    expect((await docker('exec', '-e', 'A=b', '-w', '/tmp', '-u', 'alice', 'box', 'sh', '-c', 'echo $A; pwd; id -un')).stdout).toBe(
      'b\n/tmp\nalice\n',
    );
    const shell = terminal('exec', '-it', 'box', 'sh');
    await shell.until('# ');
    // Older CLIs tell the size only after the start.
    await eventually('the size has arrived', async () => {
      shell.type('tty; echo size $(stty size)\r');
      return shell.until('size 24 80', 1000).then(
        () => true,
        () => undefined,
      );
    });
    shell.type('exit 3\r');
    expect(await shell.ended()).toBe(3);
    await docker('rm', '-f', 'box');
  });

  it('attach joins, and the detach keys leave it running', async () => {
    await docker('run', '-dit', '--name', 'joined', BASE, 'sh');
    const joined = terminal('attach', 'joined');
    joined.type('echo in$((1+1))\r');
    await joined.until('in2');
    joined.type('\x10\x11');
    await joined.until('read escape sequence');
    await joined.ended();
    expect((await docker('inspect', '-f', '{{.State.Running}}', 'joined')).stdout).toBe('true\n');
    await docker('rm', '-f', 'joined');
  });

  it('-v binds, volumes keep', async () => {
    const folder = path.join(engine.folder, 'bound');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'in'), 'from the host');
    const bound = await docker('run', '--rm', '-v', `${folder}:/data`, BASE, 'sh', '-c', 'cat /data/in; echo back > /data/out');
    expect(bound.stdout).toBe('from the host');
    expect(readFileSync(path.join(folder, 'out'), 'utf8')).toBe('back\n');
    await docker('run', '--rm', '-v', 'kept:/v', BASE, 'sh', '-c', 'echo kept > /v/file');
    expect((await docker('run', '--rm', '-v', 'kept:/v:ro', BASE, 'cat', '/v/file')).stdout).toBe('kept\n');
    expect((await docker('volume', 'rm', 'kept')).code).toBe(0);
  });

  it('cp goes both ways', async () => {
    await docker('create', '--name', 'copied', BASE, 'true');
    const file = path.join(engine.folder, 'to-copy');
    writeFileSync(file, 'carried\n');
    expect((await docker('cp', file, 'copied:/tmp/there')).code).toBe(0);
    expect((await docker('cp', 'copied:/tmp/there', `${file}-back`)).code).toBe(0);
    expect(readFileSync(`${file}-back`, 'utf8')).toBe('carried\n');
    await docker('rm', 'copied');
  });

  // The dockerd that is compared with runs in a network namespace: its ports are not ours to reach.
  it.runIf(onGantry)('-p publishes on loopback', async () => {
    const serve = 'mkdir /www; echo served > /www/index.html; exec httpd -f -p 80 -h /www';
    const run = await docker('run', '-d', '--name', 'web', '-p', '127.0.0.1::80', BASE, 'sh', '-c', serve);
    expect(run).toMatchObject({ code: 0 });
    const address = (await docker('port', 'web', '80')).stdout.trim();
    expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
    const page = await eventually('the page is served', () => fetchText(`http://${address}/`));
    expect(page).toBe('served\n');
    await docker('rm', '-f', 'web');
  });

  it('cp takes no file for a folder', async () => {
    await docker('create', '--name', 'refusing', BASE);
    expect(await docker('cp', 'refusing:/etc/passwd/', engine.folder)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/lstat \S*\/etc\/passwd\/: not a directory/),
    });
  });

  it('commit, save, load, import, tag, rmi', async () => {
    await docker('run', '--name', 'changed', BASE, 'sh', '-c', 'echo new > /new');
    expect((await docker('commit', '-c', 'CMD ["cat","/new"]', 'changed', 'gantry-test/derived:1')).stdout).toMatch(/^sha256:/);
    await docker('rm', 'changed');
    expect((await docker('run', '--rm', 'gantry-test/derived:1')).stdout).toBe('new\n');
    const file = path.join(engine.folder, 'saved.tar');
    expect((await docker('save', '-o', file, 'gantry-test/derived:1')).code).toBe(0);
    await docker('tag', 'gantry-test/derived:1', 'gantry-test/other:2');
    expect((await docker('rmi', 'gantry-test/derived:1', 'gantry-test/other:2')).stdout).toMatch(/Untagged: [\s\S]*Deleted: sha256:/);
    expect((await docker('load', '-i', file)).stdout).toContain('Loaded image: gantry-test/derived:1');
    expect((await docker('run', '--rm', 'gantry-test/derived:1')).stdout).toBe('new\n');
    await docker('rmi', 'gantry-test/derived:1');
  });

  it('an unknown image cannot be pulled where there is no registry, and says so', async () => {
    const result = await docker('run', '--rm', 'localhost:1/no/image:1', 'true');
    expect(result).toMatchObject({ code: 125, stderr: expect.stringMatching(/Unable to find image[\s\S]*(refused|connect)/) });
  });
});

function fetchText(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    http
      .get(url, async (answer) => {
        let text = '';
        for await (const chunk of answer.setEncoding('utf8')) text += chunk;
        resolve(text);
      })
      .on('error', () => resolve(undefined));
  });
}
