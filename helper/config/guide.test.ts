import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { KEYS } from './keys.ts';

it('the guide has every key with its flag, as --help tells it', () => {
  const guide = readFileSync(path.join(import.meta.dirname, '../../docs/guide/engine.md'), 'utf8');
  const rows = guide
    .split('\n')
    .filter((line) => /^\| `[a-z0-9-]+` +\|/.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const expected = Object.entries(KEYS).map(([key, { text, flag, members, reload, noEffect }]) => [
    `\`${key}\``,
    members?.map((name) => `\`--${name}\``).join(', ') ??
      (flag ? `\`--${flag.name ?? key}\`${flag.short ? `, \`-${flag.short}\`` : ''}` : ''),
    noEffect ? `no effect: ${text}` : text,
    reload ? 'yes' : '',
  ]);
  expect(rows).toEqual(expected);
});
