import { describe, expect, it } from 'vitest';
import { type Observation, Tally, time } from './meter.ts';

class Thing {
  #secret = 3;
  async start(count: number): Promise<number> {
    return count * this.#secret;
  }
  async fail(): Promise<void> {
    throw new Error('no');
  }
  async pull(): Promise<AsyncIterable<number>> {
    return (async function* () {
      yield 1;
      yield 2;
    })();
  }
}

describe('a tally', () => {
  it('keeps what was timed before the first question, and tells everything after it', async () => {
    const tally = new Tally();
    const thing = time(new Thing(), tally, 'container', { start: 'start', fail: 'fail', pull: 'pull' });
    expect(await thing.start(2)).toBe(6);
    await expect(thing.fail()).rejects.toThrow('no');
    const seen: Observation[] = [];
    tally.drain((observation) => seen.push(observation));
    expect(seen).toEqual([{ kind: 'container', action: 'start', seconds: expect.any(Number) }]);
    const numbers: number[] = [];
    for await (const number of await thing.pull()) numbers.push(number);
    expect(numbers).toEqual([1, 2]);
    expect(seen.map(({ action }) => action)).toEqual(['start', 'pull']);
  });

  it('keeps a bounded number', () => {
    const tally = new Tally();
    for (let i = 0; i < 5000; i++) tally.timed('image', 'pull', i);
    let count = 0;
    tally.drain(() => (count += 1));
    expect(count).toBe(2048);
  });
});
