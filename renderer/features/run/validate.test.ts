import { expect, it } from 'vitest';
import type { ContainerSummary } from '../../../helper/contract/docker/index.ts';
import { emptySpec } from './command.ts';
import { fieldOf, validate } from './validate.ts';

const web = { Id: 'a', Names: ['/web-1'], Ports: [{ PrivatePort: 80, PublicPort: 8080, Type: 'tcp' }] } as unknown as ContainerSummary;
const port = (host: string, container = '80') => ({ ip: '', host, container, protocol: 'tcp' as const });

it('names the holder of a port and the next free one', () => {
  expect(validate({ ...emptySpec, image: 'a', ports: [port('8080'), port('8081')] }, [web])['ports.0.host']).toEqual({
    key: 'portHeld',
    values: { port: 8080, holder: 'web-1' },
    fix: '8082',
  });
});
it('finds a port that is used twice, a name that is taken, and what is missing', () => {
  const problems = validate(
    { ...emptySpec, name: 'web-1', ports: [port('90'), port('90', '81')], mounts: [{ source: '/a', target: 'b', readOnly: false }] },
    [web],
  );
  expect(Object.keys(problems).sort()).toEqual(['image', 'mounts.0.target', 'name', 'ports.1.host']);
  expect(problems.name?.fix).toBe('web-2');
});
it('puts refusals of engines at their field', () => {
  const spec = { ...emptySpec, image: 'a', ports: [port('8080')], mounts: [{ source: '/nope', target: '/x', readOnly: false }] };
  expect(
    fieldOf('driver failed programming external connectivity on endpoint x: Bind for 0.0.0.0:8080 failed: port is already allocated', spec),
  ).toBe('ports.0.host');
  expect(fieldOf('invalid mount config for type "bind": bind source path does not exist: /nope', spec)).toBe('mounts.0.source');
  expect(fieldOf('exec: "foo": executable file not found in $PATH: unknown', spec)).toBe('command');
  expect(fieldOf('something else', spec)).toBeUndefined();
});
