import { closeSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { makePipe, reap, spawnApart } from './index.ts';

async function output(file: string, args: string[]): Promise<{ pid: number; lines: string[]; ours: number }> {
  const pipe = makePipe();
  const pid = spawnApart(file, args, { cwd: '/usr', env: { A: 'b c' }, descriptors: [null, pipe.write, null] });
  closeSync(pipe.write);
  const lines = readFileSync(pipe.read, 'utf8').trim().split('\n');
  closeSync(pipe.read);
  while (!reap(pid)) await pause(5);
  return { pid, lines, ours: pipe.read };
}

test('a program starts apart: a session of its own, its folder, environment and descriptors, none of ours', async () => {
  const script = 'pwd; echo "$A$HOME"; cut -d" " -f6 /proc/$$/stat; ls /proc/$$/fd';
  const { pid, lines, ours } = await output('/bin/sh', ['-c', script]);
  expect(lines.slice(0, 6)).toEqual(['/usr', 'b c', String(pid), '0', '1', '2']);
  expect(lines).not.toContain(String(ours));
  expect(reap(pid)).toBe(true);
});

test('signals that we ignore or block are its own to ignore or block', async () => {
  const { lines } = await output('/bin/grep', ['-E', '^Sig(Blk|Ign)', '/proc/self/status']);
  // Two that glibc keeps for itself are ignored in all that its posix_spawn starts.
  expect(lines).toEqual(['SigBlk:\t0000000000000000', expect.stringMatching(/^SigIgn:\t0000000(18|00)0000000$/)]);
});

test('what can not be started is told at once', () => {
  expect(() => spawnApart('/no/such/program', [], { cwd: '/', env: {}, descriptors: [null, null, null] })).toThrow('ENOENT');
});
