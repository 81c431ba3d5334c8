import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseJson } from './json.ts';

it.each([
  ['{"Image":', 'invalid JSON: unexpected EOF'],
  ['', 'invalid JSON: got EOF while reading request body'],
  ['xx', "invalid JSON: invalid character 'x' looking for beginning of value"],
  ['{"a" 1}', "invalid JSON: invalid character '1' after object key"],
  ['{"a":1 "b"}', `invalid JSON: invalid character '"' after object key:value pair`],
  ['{a:1}', "invalid JSON: invalid character 'a' looking for beginning of object key string"],
  ['[1 2]', "invalid JSON: invalid character '2' after array element"],
  ['{"a":tru}', "invalid JSON: invalid character '}' in literal true (expecting 'e')"],
  ['{"a":"\n"}', "invalid JSON: invalid character '\\n' in string literal"],
  ['{"a":1} x', 'unexpected content after JSON'],
])('%j is refused in the words of Go', (text, message) => {
  expect(() => parseJson(text)).toThrow(message);
});

it('agrees with JSON.parse about what is JSON, wherever a document is cut', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), (document, cut) => {
      expect(parseJson(document)).toEqual(JSON.parse(document));
      const part = document.slice(0, cut % (document.length + 1));
      let valid = true;
      try {
        JSON.parse(part);
      } catch {
        valid = false;
      }
      if (!valid) expect(() => parseJson(part)).toThrow(/^invalid JSON: (?:unexpected EOF|got EOF while reading request body)$/);
    }),
  );
});
