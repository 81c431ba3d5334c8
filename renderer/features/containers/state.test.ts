import { expect, it } from 'vitest';
import { portsOf, portText } from './row.ts';
import { reasonOf, stateOf, statusSpan } from './state.ts';

it('reads the span of a status text', () => {
  expect(statusSpan('Up 3 minutes')).toBe(180_000);
  expect(statusSpan('Up About an hour (healthy)')).toBe(3_600_000);
  expect(statusSpan('Exited (137) 2 days ago')).toBe(172_800_000);
  expect(statusSpan('Up Less than a second')).toBe(0);
  expect(statusSpan('Created')).toBeUndefined();
});

it('says in colour what a state means', () => {
  const tone = (State: 'running' | 'exited', Status: string, stopped = false) => stateOf({ State, Status }, 0, stopped);
  expect(tone('running', 'Up 2 hours (unhealthy)')).toMatchObject({ tone: 'attention', word: 'unhealthy' });
  expect(tone('exited', 'Exited (0) 2 hours ago')).toMatchObject({ tone: 'idle', word: 'exited', exitCode: 0 });
  expect(tone('exited', 'Exited (137) 2 hours ago')).toMatchObject({ tone: 'failed', exitCode: 137 });
  expect(tone('exited', 'Exited (137) 2 hours ago', true)).toMatchObject({ tone: 'idle', word: 'stopped' });
});

it('shows a port once for IPv4 and IPv6', () => {
  const ports = portsOf([
    { PrivatePort: 443, Type: 'tcp' },
    { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
    { IP: '::', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
  ]);
  expect(ports.map(portText)).toEqual(['8080→80', '443']);
});

it('names want of memory as the cause only where the kernel killed the container itself', () => {
  const ended = { Status: 'exited', Running: false, OOMKilled: true, ExitCode: 137, Error: '' } as Parameters<typeof reasonOf>[0];
  expect(reasonOf(ended)).toEqual({ reason: 'oom' });
  expect(reasonOf({ ...ended, ExitCode: 2 })).toEqual({ reason: 'error' });
  expect(reasonOf({ ...ended, ExitCode: 0 })).toBeUndefined();
});
