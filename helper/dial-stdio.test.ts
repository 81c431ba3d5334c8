import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';

let folder: string;
let program: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'gantry-dial-'));
  program = path.join(folder, 'dial.cjs');
  const entry = fileURLToPath(new URL('./dial-stdio.ts', import.meta.url));
  await build({
    stdin: {
      contents: `import { dialStdio } from ${JSON.stringify(entry)}; void dialStdio(process.argv.slice(2)).then((code) => process.exit(code));`,
      resolveDir: path.dirname(entry),
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: program,
    logLevel: 'silent',
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function dial(...args: string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: 'pipe' });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => (output.stdout += text));
  child.stderr.on('data', (text) => (output.stderr += text));
  return { child, output, code: once(child, 'close').then(([code]) => code as number) };
}

test('carries both directions, and their ends one by one', async () => {
  const socket = path.join(folder, 'engine.sock');
  const server = net.createServer({ allowHalfOpen: true }, (connection) => {
    let heard = '';
    connection.on('data', (text) => (heard += text));
    // Only when the other side has said all: the answer.
    connection.on('end', () => connection.end(`heard ${heard.length}, ${'x'.repeat(1_000_000)}`));
  });
  server.listen(socket);
  const { child, output, code } = dial('--socket', socket);
  child.stdin.end('y'.repeat(500_000));
  expect(await code).toBe(0);
  expect(output.stdout).toHaveLength('heard 500000, '.length + 1_000_000);
  server.close();
});

test('says that nobody listens, and what its arguments are', async () => {
  const nobody = dial(`--socket=${folder}/none.sock`);
  expect(await nobody.code).toBe(1);
  expect(nobody.output.stderr).toMatch(/^gantryd dial-stdio: connect ENOENT/);
  expect(await dial('--what').code).toBe(2);
  expect(await dial('--socket').code).toBe(2);
});
