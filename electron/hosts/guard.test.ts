import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Forbidden, guard, type Marks } from './guard.ts';

const passes = (marks: Marks, method: string, path: string, confirmed?: string): boolean | string => {
  try {
    guard('nas', marks, { method, path, confirmed });
    return true;
  } catch (error) {
    return error instanceof Forbidden ? error.reason : String(error);
  }
};

test('read-only: what reads goes through, whatever changes something does not', () => {
  const marks = { readOnly: true };
  for (const path of ['/v1.47/containers/json?all=1', '/containers/a/logs?follow=1', '/events', '/containers/a/archive?path=/etc'])
    expect(passes(marks, 'GET', path)).toBe(true);
  expect(passes(marks, 'HEAD', '/containers/a/archive?path=/')).toBe(true);
  expect(passes(marks, 'POST', '/v1.47/containers/a/wait?condition=not-running')).toBe(true);
  for (const [method, path] of [
    ['POST', '/containers/create'],
    ['POST', '/containers/a/exec'],
    ['POST', '/containers/a/attach'],
    ['GET', '/v1.47/containers/a/attach/ws?stdin=1'],
    ['PUT', '/containers/a/archive'],
    ['DELETE', '/images/a'],
    ['POST', '/images/create?fromImage=wait'],
    ['POST', '/containers/create?name=/wait'],
  ] as const)
    expect([path, passes(marks, method, path)]).toEqual([path, 'read-only']);
});

test('read-only: a copy for which nothing is paused reads; the word for it opens nothing else', () => {
  const asked = (path: string, reads?: boolean) => () => guard('nas', { readOnly: true }, { method: 'POST', path, reads });
  expect(asked('/gantry/v1/copy/send', true)).not.toThrow();
  expect(asked('/gantry/v1/copy/send')).toThrow(Forbidden);
  for (const path of ['/gantry/v1/copy/receive', '/containers/a/stop', '/containers/gantry/v1/copy/send', '/gantry/v1/bin'])
    expect(asked(path, true)).toThrow(Forbidden);
});

test('production: deleting needs the name, all else does not', () => {
  const marks = { production: true };
  for (const [method, path] of [
    ['DELETE', '/containers/a?force=1'],
    ['POST', '/v1.47/volumes/prune'],
    ['POST', '/build/prune?all=1'],
    ['POST', '/gantry/v1/bin'],
    ['POST', '/v1.47/gantry/v1/bin'],
  ] as const) {
    expect(passes(marks, method, path)).toBe('confirm');
    expect(passes(marks, method, path, 'other')).toBe('confirm');
    expect(passes(marks, method, path, 'nas')).toBe(true);
  }
  expect(passes(marks, 'POST', '/containers/a/stop')).toBe(true);
  expect(passes(marks, 'POST', '/gantry/v1/bin/b1/restore')).toBe(true);
  expect(passes({ ...marks, readOnly: true }, 'DELETE', '/containers/a', 'nas')).toBe('read-only');
});

test('no method but GET, HEAD and waiting POSTs ever passes a read-only host; without marks all do', () => {
  fc.assert(
    fc.property(fc.constantFrom('PUT', 'DELETE', 'PATCH', 'OPTIONS', 'post', 'get'), fc.string(), (method, path) => {
      expect(passes({ readOnly: true }, method, path)).toBe('read-only');
      expect(passes({}, method, path)).toBe(true);
    }),
  );
});
