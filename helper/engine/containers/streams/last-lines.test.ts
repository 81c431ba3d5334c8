import { describe, expect, it } from 'vitest';
import { lastLines } from './last-lines.ts';

const record = (stream: string, tag: string, text: string, second = 0): string =>
  `2026-11-24T19:04:${String(second).padStart(2, '0')}.123456789+00:00 ${stream} ${tag} ${text}\n`;

describe('the last lines of a log', () => {
  it('are in order, with their streams and times, those that were cut put together', () => {
    const log = [
      record('stdout', 'F', 'one', 1),
      record('stdout', 'P', 'two be', 2),
      record('stderr', 'F', 'three', 3),
      record('stdout', 'F', 'gins', 4),
      record('stdout', 'F', '漢字\r', 5),
    ].join('');
    expect(lastLines(Buffer.from(log), false, 3)).toEqual([
      { Time: '2026-11-24T19:04:02.123456789Z', Stream: 'stdout', Text: 'two begins' },
      { Time: '2026-11-24T19:04:03.123456789Z', Stream: 'stderr', Text: 'three' },
      { Time: '2026-11-24T19:04:05.123456789Z', Stream: 'stdout', Text: '漢字' },
    ]);
  });

  it('leave out what is no record, and the half of one that a cut left', () => {
    const log = `${record('stdout', 'F', 'whole', 1).slice(20)}${record('stdout', 'F', 'next', 2)}rubbish\n`;
    expect(lastLines(Buffer.from(log), true, 5).map(({ Text }) => Text)).toEqual(['next']);
    expect(lastLines(Buffer.alloc(0), false, 5)).toEqual([]);
    expect(lastLines(Buffer.from('x'.repeat(100)), true, 5)).toEqual([]);
  });

  it('are cut when they are long', () => {
    expect(lastLines(Buffer.from(record('stdout', 'F', 'x'.repeat(5000))), false, 1)[0]?.Text).toHaveLength(1000);
  });
});
