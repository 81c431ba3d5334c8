import { describe, expect, it } from 'vitest';
import { createLines, createRequest, emptyNetwork, type NetworkSpec, problemsOf } from './spec.ts';

const spec = (some: Partial<NetworkSpec>): NetworkSpec => ({ ...emptyNetwork, name: 'shop', ...some });
const v4 = { subnet: '10.9.0.0/24', gateway: '10.9.0.254', range: '10.9.0.128/25' };
const v6 = { subnet: 'fd00:9::/64', gateway: '', range: '' };
const keysOf = (some: Partial<NetworkSpec>, taken: Parameters<typeof problemsOf>[1] = []) =>
  Object.fromEntries(Object.entries(problemsOf(spec(some), taken)).map(([field, problem]) => [field, problem?.key]));

describe('a network to create', () => {
  it('needs a name alone: the engine chooses the rest', () => {
    expect(createRequest(spec({}))).toEqual({ Name: 'shop', Driver: 'bridge' });
    expect(createLines(spec({}))).toEqual(['docker network create', 'shop']);
    expect(keysOf({})).toEqual({});
    expect(keysOf({ name: '' })).toEqual({ name: 'nameMissing' });
  });

  it('with addresses, IPv6, marks, options and labels; the line does the same as the request', () => {
    const made = spec({
      v4,
      ipv6: true,
      v6,
      internal: true,
      attachable: true,
      options: [{ name: 'com.docker.network.driver.mtu', value: '1400' }],
      labels: [
        { name: 'tier', value: 'web shop' },
        { name: '', value: '' },
      ],
    });
    expect(createRequest(made)).toEqual({
      Name: 'shop',
      Driver: 'bridge',
      EnableIPv6: true,
      Internal: true,
      Attachable: true,
      IPAM: {
        Driver: 'default',
        Config: [{ Subnet: '10.9.0.0/24', IPRange: '10.9.0.128/25', Gateway: '10.9.0.254' }, { Subnet: 'fd00:9::/64' }],
      },
      Options: { 'com.docker.network.driver.mtu': '1400' },
      Labels: { tier: 'web shop' },
    });
    expect(createLines(made)).toEqual([
      'docker network create',
      '--subnet 10.9.0.0/24',
      '--gateway 10.9.0.254',
      '--ip-range 10.9.0.128/25',
      '--subnet fd00:9::/64',
      '--ipv6',
      '--internal',
      '--attachable',
      '--opt com.docker.network.driver.mtu=1400',
      "--label 'tier=web shop'",
      'shop',
    ]);
  });

  it('on a link of the host; a bridge has none, and without IPv6 its fields do not count', () => {
    const made = spec({ driver: 'macvlan', parent: 'eth0.10', v6 });
    expect(createRequest(made)).toEqual({ Name: 'shop', Driver: 'macvlan', Options: { parent: 'eth0.10' } });
    expect(createLines(made)).toEqual(['docker network create', '--driver macvlan', '--opt parent=eth0.10', 'shop']);
    expect(createRequest({ ...made, driver: 'bridge' })).toEqual({ Name: 'shop', Driver: 'bridge' });
  });

  it('says what is wrong at the field', () => {
    const subnet = (text: string) => keysOf({ v4: { ...v4, gateway: '', range: '', subnet: text } });
    expect(subnet('10.9.0.0')).toEqual({ 'v4.subnet': 'subnetInvalid' });
    expect(subnet('fd00::/64')).toEqual({ 'v4.subnet': 'subnetInvalid' });
    expect(problemsOf(spec({ v4: { ...v4, subnet: '10.9.0.0/16' } }), [{ name: 'lab', subnets: ['10.9.4.0/24'] }])).toEqual({
      'v4.subnet': { key: 'subnetTaken', values: { name: 'lab', subnet: '10.9.4.0/24' } },
    });
    expect(problemsOf(spec({ v4: { subnet: '10.9.0.7/24', gateway: '', range: '' } }), [])).toEqual({
      'v4.subnet': { key: 'subnetBits', values: { subnet: '10.9.0.0/24' } },
    });
    expect(keysOf({ v4: { ...v4, gateway: '10.8.0.1', range: '10.9.0.0/16' } })).toEqual({
      'v4.gateway': 'outside',
      'v4.range': 'outside',
    });
    expect(keysOf({ v4: { subnet: '', gateway: '10.9.0.1', range: '' } })).toEqual({ 'v4.subnet': 'subnetMissing' });
    expect(keysOf({ ipv6: true, v6: { subnet: '10.0.0.0/8', gateway: 'x', range: 'y' } })).toEqual({
      'v6.subnet': 'subnet6Invalid',
      'v6.gateway': 'gatewayInvalid',
      'v6.range': 'rangeInvalid',
    });
    expect(keysOf({ name: 'lab' }, [{ name: 'lab', subnets: [] }])).toEqual({ name: 'nameTaken' });
    expect(keysOf({ labels: [{ name: '', value: 'x' }] })).toEqual({ 'labels.0': 'pairMissing' });
  });
});
