import { closeSync, mkdtempSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readLogs } from './read-logs.ts';

const line = (n: number): string => `2026-11-24T19:04:10.${String(n).padStart(9, '0')}+00:00 stdout F ${n}\n`;

test('a follower misses no line of a log that is rotated, also not of those written between rename and reopen', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'gantry-rotation-'));
  try {
    const log = path.join(folder, 'container.log');
    writeFileSync(log, '');
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const options = { stdout: true, stderr: true, follow: true, timestamps: false, details: false };
    const body = readLogs({ files: [log], multiplexed: false, details: '', ended }, options, new AbortController().signal);
    let text = '';
    let arrived = (): void => {};
    body.on('data', (chunk: Buffer) => {
      text += chunk;
      arrived();
    });
    const until = async (n: number): Promise<void> => {
      while (!text.endsWith(`${n}\n`)) {
        await new Promise<void>((resolve) => {
          arrived = resolve;
        });
      }
    };
    const closed = new Promise((resolve) => body.once('end', resolve));
    let fd = openSync(log, 'a');
    let n = 0;
    writeSync(fd, line(n++));
    await until(0); // it follows from here on
    for (let round = 0; round < 20; round += 1) {
      writeSync(fd, line(n++));
      renameSync(log, `${log}.1`);
      await turn();
      writeSync(fd, line(n++));
      closeSync(fd);
      fd = openSync(log, 'a');
      writeSync(fd, line(n++));
      await until(n - 1); // live, not only when the container has ended
    }
    closeSync(fd);
    end();
    await closed;
    expect(text.trim().split('\n').map(Number)).toEqual(Array.from({ length: n }, (_, index) => index));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
