import { expect, it } from 'vitest';
import { fitting } from './columns.ts';

const columns = [
  { id: 'state', width: '128px' },
  { id: 'name', width: 'minmax(120px, 2fr)' },
  { id: 'host', width: 'minmax(70px, 0.7fr)', from: 760 },
  { id: 'image', width: 'minmax(100px, 1.8fr)', from: 700 },
  { id: 'actions', width: '168px', from: 430 },
];
const at = (width: number) => fitting(columns, width).map(({ id }) => id);

it('columns are hidden in the order in which they may go, until the others fit', () => {
  expect(at(1200)).toEqual(['state', 'name', 'host', 'image', 'actions']);
  expect(at(740)).toEqual(['state', 'name', 'image', 'actions']);
  expect(at(500)).toEqual(['state', 'name', 'actions']);
  // Wide enough for each of them, and not for all.
  const wide = [...columns, { id: 'ports', width: 'minmax(124px, 1.2fr)', from: 560 }, { id: 'since', width: '96px', from: 740 }];
  expect(fitting(wide, 832).map(({ id }) => id)).toEqual(['state', 'name', 'image', 'actions', 'ports', 'since']);
});

it('what may not go stays, however narrow it is', () => {
  expect(at(200)).toEqual(['state', 'name']);
});
