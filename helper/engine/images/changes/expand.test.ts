import { describe, expect, it } from 'vitest';
import { expand, expandToWords } from './expand.ts';

const ENVIRONMENT = ['A=abcabc', 'EMPTY=', 'TWO=x  y', 'F=/usr/lib/a.tar.gz'];

describe('words as a shell reads them', () => {
  it.each([
    ['$A-$NO.', 'abcabc-.'],
    ['${A}x', 'abcabcx'],
    ['\\$A \\x "\\$A \\x \\" \\\\"', '$A x $A \\x " \\'],
    [`'$A' "$A"`, '$A abcabc'],
    ['$', '$'],
    ['$ x', '$ x'],
    ['${NO:-d} ${NO-d} ${EMPTY:-d} ${EMPTY-d}', 'd d d '],
    ['${NO:+a}${A:+a}${EMPTY:+b}${EMPTY+c}', 'ac'],
    ['${NO:-${A}}', 'abcabc'],
    ['${A:?no}', 'abcabc'],
    ['${F#*/} ${F##*/} ${F%.*} ${F%%.*}', 'usr/lib/a.tar.gz a.tar.gz /usr/lib/a.tar /usr/lib/a'],
    ['${A/b/X} ${A//b/X} ${A/?c/}', 'aXcabc aXcaXc aabc'],
    ['中文$A', '中文abcabc'],
  ])('%s → %s', (text, result) => {
    expect(expand(text, ENVIRONMENT)).toBe(result);
  });

  it.each([
    ['"x', 'matching double-quote'],
    ["'x", 'matching single-quote'],
    ['${', "missing '}'"],
    ['${}', 'bad substitution'],
    ['${A:-x', "missing '}'"],
    ['${A^x}', 'unsupported modifier (^) in substitution'],
    ['${NO:?why}', 'NO: why'],
    ['${EMPTY:?}', 'EMPTY: is not allowed to be empty'],
  ])('%s is refused', (text, message) => {
    expect(() => expand(text, ENVIRONMENT)).toThrow(message);
  });

  it('a variable can be several words or none, unless it is quoted', () => {
    expect(expandToWords('$TWO', ENVIRONMENT)).toEqual(['x', 'y']);
    expect(expandToWords('"$TWO"', ENVIRONMENT)).toEqual(['x  y']);
    expect(expandToWords('$NO', ENVIRONMENT)).toEqual([]);
  });
});
