import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRouter } from './router.ts';
import { allRoutes } from './routes/index.ts';

const text = readFileSync(path.join(import.meta.dirname, '../../docs/api.md'), 'utf8');
const [listed = '', absent = ''] = text.split('## Not there');
const rows = (part: string): string[][] =>
  [...part.matchAll(/^\| ([A-Z]+) +\| `([^`]+)` +\| ([^|]*?) *\|(?: ([^|]*?) *\|)?$/gm)].map((match) =>
    match.slice(1).map((cell) => cell ?? ''),
  );

describe('docs/api.md', () => {
  it('lists every route, and no other', () => {
    const documented = rows(listed).map(([method, name]) => `${method} ${name}`);
    expect(documented.sort()).toEqual(
      allRoutes()
        .map((route) => `${route.method} ${route.path}`)
        .sort(),
    );
  });

  it('gives each one of three states, with a reason where it is not complete', () => {
    for (const [method, name, state = '', differs = ''] of rows(listed)) {
      expect(['complete', 'partly', 'refused'], `${method} ${name}`).toContain(state);
      if (state !== 'complete') expect(differs.trim(), `${method} ${name}`).not.toBe('');
    }
  });

  it('names as absent only what is absent', () => {
    const find = createRouter(allRoutes());
    expect(rows(absent).length).toBeGreaterThan(0);
    for (const [method = '', name = ''] of rows(absent))
      expect(find(method, name.replace(/:\w+/g, 'x')), `${method} ${name}`).toBeUndefined();
  });
});
