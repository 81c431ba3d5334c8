import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAnsi, plainText } from './ansi.ts';

describe('ANSI', () => {
  it('reads colours, attributes and resets', () => {
    expect(parseAnsi('a\u001b[1;31mred\u001b[0m b')).toEqual([{ text: 'a' }, { text: 'red', bold: true, fg: 1 }, { text: ' b' }]);
    expect(parseAnsi('\u001b[38;5;196mx\u001b[39;48;2;1;2;3my')).toEqual([
      { text: 'x', fg: 'rgb(255 0 0)' },
      { text: 'y', bg: 'rgb(1 2 3)' },
    ]);
  });
  it('shows the last of what carriage returns overwrite', () => {
    expect(plainText('10%\r50%\r100%\r')).toBe('100%');
    expect(parseAnsi('\u001b[32m10%\r100%')).toEqual([{ text: '100%', fg: 2 }]);
  });
  it('drops titles and cursor moves', () => {
    expect(plainText('\u001b]0;title\u0007a\u001b[2Kb\u001b[1Ac')).toBe('abc');
  });
  it('spans together are the plain text', () => {
    const piece = fc.oneof(fc.string(), fc.constantFrom('\u001b[31m', '\u001b[0m', '\r', '\u001b[38;5;9m', '\u001b]0;x\u0007'));
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join('');
        expect(
          parseAnsi(text)
            .map((s) => s.text)
            .join(''),
        ).toBe(plainText(text));
      }),
      { numRuns: 500 },
    );
  });
});
