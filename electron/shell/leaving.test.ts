import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { UnderWay } from '../ipc/contract.ts';
import { Leaving } from './leaving.ts';

const install: UnderWay = { kind: 'install', action: 'install', machine: 'nas' };
let work: UnderWay[];
let shown: (UnderWay[] | null)[];
let hasWindow: boolean;
let leaving: Leaving;
const quit = vi.fn();

beforeEach(() => {
  vi.useFakeTimers();
  quit.mockReset();
  [work, shown, hasWindow] = [[install], [], true];
  leaving = new Leaving({
    underWay: () => work,
    show: (things) => {
      if (hasWindow) shown.push(things);
      return hasWindow;
    },
    quit,
    log: () => {},
  });
});
afterEach(() => {
  vi.useRealTimers();
});

it('with nothing under way nobody is asked', () => {
  work = [];
  expect(leaving.mayLeave()).toBe(true);
  expect(shown).toEqual([]);
});

it('a no keeps the app, and it asks again the next time; a yes ends it', () => {
  expect(leaving.mayLeave()).toBe(false);
  expect(leaving.seen()).toEqual([install]);
  leaving.answer(false);
  expect(shown).toEqual([[install], null]);
  expect(leaving.seen()).toBeNull();
  expect(quit).not.toHaveBeenCalled();
  expect(leaving.mayLeave()).toBe(false);
  leaving.answer(true);
  expect(quit).toHaveBeenCalledOnce();
  expect(leaving.mayLeave()).toBe(true);
});

it('says what is left of it, and leaves by itself when all is done', () => {
  const copy: UnderWay = { kind: 'transfer', thing: 'volume', names: ['photos'], to: 'nas', move: false };
  work = [install, copy];
  leaving.mayLeave();
  work = [copy];
  leaving.changed();
  expect(shown.at(-1)).toEqual([copy]);
  work = [];
  leaving.changed();
  expect(quit).toHaveBeenCalledOnce();
  expect(leaving.mayLeave()).toBe(true);
});

it('work that ends while nobody has asked to leave ends nothing', () => {
  work = [];
  leaving.changed();
  expect(quit).not.toHaveBeenCalled();
});

it('waits for no window: where there is none, or one that does not answer', () => {
  hasWindow = false;
  expect(leaving.mayLeave()).toBe(true);
  const other = new Leaving({ underWay: () => work, show: () => true, quit, log: () => {} });
  expect(other.mayLeave()).toBe(false);
  vi.advanceTimersByTime(9000);
  expect(other.mayLeave()).toBe(false);
  expect(quit).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1000);
  expect(quit).toHaveBeenCalledOnce();
  expect(other.mayLeave()).toBe(true);
});

it('a question that was seen waits as long as it takes', () => {
  leaving.mayLeave();
  leaving.seen();
  vi.advanceTimersByTime(3_600_000);
  expect(quit).not.toHaveBeenCalled();
});

it('the end of the system, or a second signal, asks nobody', () => {
  leaving.mayLeave();
  leaving.atOnce();
  expect(quit).toHaveBeenCalledOnce();
  expect(leaving.mayLeave()).toBe(true);
});
