import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Rubbish } from './rubbish.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'gantry-rubbish-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const make = (name: string): string => {
  const made = path.join(folder, name);
  mkdirSync(made);
  writeFileSync(path.join(made, 'file'), '');
  return made;
};

test('what is added is gone when it is emptied, also a tree that is deeper than any path', async () => {
  const deep = make('deep');
  const name = 'a-name-of-forty-characters-for-each-folder';
  const dig = `for i in $(seq 150); do mkdir ${name}; cd -P ${name}; done`;
  expect(spawnSync('sh', ['-c', dig], { cwd: deep }).status).toBe(0);
  const rubbish = new Rubbish((error) => expect.unreachable(String(error)));
  for (const each of [deep, make('-rf'), make('with blanks')]) rubbish.add(each);
  await rubbish.empty();
  expect(existsSync(deep) || existsSync(path.join(folder, '-rf')) || existsSync(path.join(folder, 'with blanks'))).toBe(false);
});

test('what is still in use stays until it is not', async () => {
  const used = make('used');
  const rubbish = new Rubbish((error) => expect.unreachable(String(error)));
  let letGo: (() => void) | undefined;
  rubbish.add(
    used,
    new Promise((resolve) => {
      letGo = resolve;
    }),
  );
  const emptied = rubbish.empty();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(existsSync(used)).toBe(true);
  letGo?.();
  await emptied;
  expect(existsSync(used)).toBe(false);
});

test('what can not be deleted is told', async () => {
  const told: string[] = [];
  const rubbish = new Rubbish((error) => told.push(String(error)));
  rubbish.add('/proc/1/root/proc/version');
  await rubbish.empty();
  expect(told).toHaveLength(1);
});
