import { expect, it } from 'vitest';
import type { Monitor } from '../../system/monitor/types.ts';
import { createExecs } from './execs.ts';
import type { ExecHost } from './types.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

it('execs that nobody starts are forgotten when there are too many, the eldest first; others stay', async () => {
  const host = {
    id: 'c',
    name: 'c',
    status: 'running',
    folder: '/nowhere',
    pid: process.pid,
    config: {},
    hostConfig: {},
    env: [],
    emit() {},
  } as unknown as ExecHost;
  const monitor = { exec: async () => ({ pid: 1, exited: new Promise(() => {}) }) } as unknown as Monitor;
  const execs = createExecs({ monitor, find: () => host, refusal: (error) => ({ exitCode: 126, failure: error as never }), log: quiet });
  const make = (): Promise<string> => execs.create('c', { Cmd: ['true'], User: '0:0' });
  const started = await make();
  await execs.start(started, { detach: true });
  const eldest = await make();
  const second = await make();
  for (let made = 1; made < 10_000; made++) await make();
  await expect(execs.inspect(eldest)).rejects.toThrow(`No such exec instance: ${eldest}`);
  expect((await execs.inspect(second)).ID).toBe(second);
  expect((await execs.inspect(started)).Running).toBe(true);
  expect(execs.idsOf('c').length).toBe(10_001);
  execs.forget('c');
  expect(execs.idsOf('c')).toEqual([]);
});
