import { beforeAll, describe, expect, it } from 'vitest';
import { BASE, eventually, onGantry } from './harness.ts';
import { wiredEngine } from './wired.ts';

/**
 * A name server for the peer, on UDP and TCP: `small.test` has one address, `big.test` more than fit a datagram, `late.test` comes
 * after a second, `fail.test` fails; nothing else exists. Tells each name that it is asked for.
 */
const nameServer = (address: string): string => `
  const dns = require('dns-packet'), net = require('net');
  const answer = (query) => {
    const [{ name, type }] = query.questions;
    console.log('asked ' + name + ' ' + type);
    const a = (data) => ({ type: 'A', name, ttl: 5, data });
    const known = { 'small.test': [a('203.0.113.7')], 'late.test': [a('203.0.113.8')], 'small.sub.test': [a('203.0.113.9')],
      'big.test': Array.from({ length: 60 }, (_, n) => a('203.0.113.' + (n + 1))) }[name.toLowerCase()];
    const flags = dns.RECURSION_AVAILABLE | (name === 'fail.test' ? 2 : known ? 0 : 3);
    return { id: query.id, type: 'response', flags, questions: query.questions, answers: known && type === 'A' ? known : [] };
  };
  const udp = require('dgram').createSocket('udp4');
  udp.on('message', (message, from) => {
    const reply = answer(dns.decode(message));
    let bytes = dns.encode(reply);
    if (bytes.length > 512) bytes = dns.encode({ ...reply, flags: reply.flags | dns.TRUNCATED_RESPONSE, answers: [] });
    setTimeout(() => udp.send(bytes, from.port, from.address), reply.questions[0].name === 'late.test' ? 1000 : 0);
  });
  udp.bind(53, '${address}', () => net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (data) => socket.end(dns.streamEncode(answer(dns.streamDecode(data)))));
  }).listen(53, '${address}', () => console.log('up')));`;

describe.runIf(onGantry)('names at 127.0.0.11', () => {
  let asked = '';
  const wired = wiredEngine(async ({ peer }) => {
    // .3 takes questions and never answers; .4 refuses them.
    peer.set('for n in 3 4 5; do ip addr add 198.51.100.$n/24 dev wire; done');
    const server = await peer.start(nameServer('198.51.100.5'));
    server.stdout?.on('data', (text) => (asked += text));
    await peer.start("require('dgram').createSocket('udp4').bind(53,'198.51.100.3',()=>console.log('up'))");
  });
  const { docker, sleeper } = wired;
  const hostname = (name: string): Promise<string> => docker('inspect', '-f', '{{.Config.Hostname}}', name);
  beforeAll(async () => {
    await docker('network', 'create', '--ipv6', '--subnet', '10.70.0.0/24', '--subnet', 'fd00:70::/64', 'net');
  });

  it('are containers’ names, aliases and links, in any case, both families and backwards', async () => {
    const web = await sleeper('Web-1', '--network', 'net', '--network-alias', 'Shop', '--hostname', 'front');
    await sleeper('web-2', '--network', 'net', '--network-alias', 'shop', '--network-alias', 'dotted.net');
    const other = await sleeper('other', '--network', 'net', '--link', 'Web-1:store');
    for (const name of ['Web-1', 'web-1', 'WEB-1', 'front', 'Web-1.net', 'store']) expect(await other.resolve(name)).toBe('10.70.0.2');
    expect(await other.resolve('web-1', 'resolve6')).toBe('fd00:70::2');
    expect(await other.resolve('shop')).toBe('10.70.0.2 10.70.0.3');
    expect(await other.resolve('dotted.net')).toBe('10.70.0.3');
    expect(await other.resolve('10.70.0.3', 'reverse')).toBe('web-2.net');
    expect(await other.resolve('fd00:70::3', 'reverse')).toBe('web-2.net');
    // A link is its container's own, and hides a container of its name.
    await sleeper('store', '--network', 'net');
    expect(await other.resolve('store')).toBe('10.70.0.2');
    expect(await other.resolve('store.net')).toBe('10.70.0.2');
    expect(await web.resolve('store')).toBe('10.70.0.5');
    await docker('rm', '-f', 'store');
    expect(await web.resolve('store')).toMatch(/ENOTFOUND|ESERVFAIL|ETIMEOUT/);
    const firsts = new Set<string>();
    for (let round = 0; round < 20; round++) {
      firsts.add(
        (await other.output('busybox', 'nslookup', '-type=a', 'shop', '127.0.0.11')).match(/Address:? ?1?:? ?(10\.70\.0\.\d)/)?.[1] ?? '',
      );
    }
    expect([...firsts].sort()).toEqual(['10.70.0.2', '10.70.0.3']);
    await docker('stop', '-t', '0', 'web-2');
    expect(await other.resolve('shop')).toBe('10.70.0.2');
    await docker('rename', 'Web-1', 'renamed');
    expect(await other.resolve('renamed')).toBe('10.70.0.2');
    await docker('rm', '-f', 'renamed', 'web-2', 'other');
  });

  it('else are asked for outside: the next server when one does not answer, TCP when an answer is too large', async () => {
    const place = await sleeper('asker', '--network', 'net', ...['3', '4', '5'].flatMap((n) => ['--dns', `198.51.100.${n}`]));
    expect(await docker('exec', 'asker', 'cat', '/etc/resolv.conf')).toContain('nameserver 127.0.0.11');
    const begin = Date.now();
    expect(await place.resolve('small.test')).toBe('203.0.113.7');
    expect(Date.now() - begin).toBeLessThan(4900);
    await docker('rm', '-f', 'asker');

    const direct = await sleeper('direct', '--network', 'net', '--dns', '198.51.100.5');
    expect(await direct.resolve('small.test')).toBe('203.0.113.7');
    expect(await direct.resolve('late.test')).toBe('203.0.113.8');
    expect((await direct.resolve('big.test')).split(' ')).toHaveLength(60);
    expect(await direct.resolve('small.test', 'resolve6')).toBe('ENODATA');
    expect(await direct.resolve('nobody')).toBe('ENOTFOUND');
    expect(await direct.resolve('fail.test')).toBe('ESERVFAIL');
    // What is ours is not told to the world.
    asked = '';
    expect(await direct.resolve('direct')).toBe('10.70.0.2');
    expect(await direct.resolve('direct', 'resolveMx')).toBe('ENODATA');
    expect(await direct.resolve('10.70.0.2', 'reverse')).toBe('direct.net');
    expect(asked).toBe('');
    await docker('rm', '-f', 'direct');
  });

  it('answer no question of an internal network outside', async () => {
    await docker('network', 'create', '--internal', '--subnet', '10.71.0.0/24', 'inner');
    const place = await sleeper('inner', '--network', 'inner', '--dns', '198.51.100.5');
    asked = '';
    expect(await place.resolve('small.test')).toBe('ESERVFAIL');
    expect(await place.resolve('inner')).toBe('10.71.0.2');
    expect(asked).toBe('');
    // A server that it can reach by itself is asked: in the network, or its own on its loopback.
    await place.start(nameServer('0.0.0.0'));
    const neighbour = await sleeper('neighbour', '--network', 'inner', '--dns', '10.71.0.2');
    const alone = await sleeper('alone', '--network', 'inner', '--dns', '127.0.0.1');
    await alone.start(nameServer('127.0.0.1'));
    for (const one of [neighbour, alone]) {
      expect(await one.resolve('small.test')).toBe('203.0.113.7');
      expect((await one.resolve('big.test')).split(' ')).toHaveLength(60);
    }
    await docker('rm', '-f', 'neighbour', 'alone');
    await docker('network', 'connect', 'net', 'inner');
    expect(await place.resolve('small.test')).toBe('203.0.113.7');
    await docker('rm', '-f', 'inner');
    await docker('network', 'rm', 'inner');
  });

  it('are looked for in the search domains, by ndots, as the C library does it', async () => {
    const place = await sleeper(
      ...(['libc', '--network', 'net', '--dns', '198.51.100.5', '--dns-search', 'sub.test', '--dns-search', 'test'] as const),
      ...['--dns-opt', 'ndots:2', '--dns-opt', 'timeout:2'],
    );
    await sleeper('peer', '--network', 'net');
    const file = await docker('inspect', '-f', '{{.ResolvConfPath}}', 'libc');
    expect(await docker('exec', 'libc', 'cat', '/etc/resolv.conf')).toMatch(
      /nameserver 127\.0\.0\.11\nsearch sub\.test test\noptions ndots:2 timeout:2/,
    );
    const lookUp = (name: string): Promise<string> =>
      place.output(
        'unshare',
        '-m',
        'sh',
        '-c',
        `mount --bind ${file} /etc/resolv.conf && getent ahostsv4 ${name} | cut -d' ' -f1 | sort -u`,
      );
    expect(await lookUp('small')).toBe('203.0.113.9');
    expect(await lookUp('peer')).toBe('10.70.0.3');
    expect(await place.resolve('single')).toBe('ENODATA');
    expect(asked).not.toContain('asked single ');
    asked = '';
    expect(await lookUp('small.test')).toBe('203.0.113.7');
    // Fewer dots than ndots: the domains come first.
    expect(asked.split('\n')[0]).toBe('asked small.test.sub.test A');
    await docker('rm', '-f', 'libc', 'peer');
  });

  it('have no IPv6 where the container’s kernel settings have none', async () => {
    const off = ['--sysctl', 'net.ipv6.conf.all.disable_ipv6=1'];
    const without = await sleeper('v4-only', '--network', 'net', ...off);
    const asker = await sleeper('asker', '--network', 'net');
    const isWithout = async (): Promise<void> => {
      expect(await docker('inspect', '-f', '{{range .NetworkSettings.Networks}}{{.GlobalIPv6Address}}{{end}}', 'v4-only')).toBe('');
      expect(await docker('exec', 'v4-only', 'cat', '/etc/hosts')).toBe(`127.0.0.1\tlocalhost\n10.70.0.2\t${await hostname('v4-only')}`);
      expect(await without.output('ip', '-6', 'addr')).toBe('');
      expect(await asker.resolve('v4-only')).toBe('10.70.0.2');
      expect(await asker.resolve('v4-only', 'resolve6')).toBe('ENODATA');
    };
    await isWithout();
    await wired.engine.crash();
    await wired.engine.start();
    await docker('network', 'create', '--ipv6', 'more');
    await docker('network', 'connect', 'more', 'v4-only');
    await docker('network', 'disconnect', 'more', 'v4-only');
    await isWithout();
    await docker('rm', '-f', 'v4-only', 'asker');
    await docker('network', 'rm', 'more');
  });

  it('leave port 53 to a name server of the container’s own, on all its addresses', async () => {
    const place = await sleeper('ns', '--network', 'net', '-p', '5353:53/udp', '-p', '5353:53');
    await place.serveUdp(53, 'own');
    await place.serveTcp(53);
    const resolves = async (): Promise<void> => {
      expect(await place.resolve('ns')).toBe('10.70.0.2');
      expect(await place.output('busybox', 'nslookup', '-type=a', 'ns', '127.0.0.11')).toContain('10.70.0.2');
      expect(await wired.wire.peer.udp(wired.wire.hostAddress, 5353)).toBe(`own ${wired.wire.peerAddress}`);
      expect(await wired.wire.peer.tcp(wired.wire.hostAddress, 5353)).toBe(wired.wire.peerAddress);
    };
    await resolves();
    await wired.engine.crash();
    await wired.engine.start();
    await resolves();
    await docker('rm', '-f', 'ns');
  });

  it('lead to the new owner of an address at once: it is announced to those that remember another', async () => {
    const create = (name: string, n: number, ...options: string[]): Promise<string> =>
      docker(
        ...(['network', 'create', '--ipv6', '--subnet', `10.7${n}.0.0/24`, '--subnet', `fd00:7${n}::/64`] as const),
        ...options.flatMap((option) => ['-o', `com.docker.network.advertise_addr_${option}`]),
        name,
      );
    await create('loud', 2, 'ms=100', 'nmsgs=2');
    await create('quiet', 3, 'nmsgs=0');
    const own = (n: number): string[] => [`10.7${n}.0.9`, `fd00:7${n}::9`];
    const start = (name: string, n: number, mac: number): Promise<unknown> =>
      sleeper(name, '--network', `name=${name},ip=${own(n)[0]},ip6=${own(n)[1]},mac-address=02:42:00:00:00:0${mac}`);
    const neighbour = await sleeper('neighbour', '--network', 'loud');
    await docker('network', 'connect', 'quiet', 'neighbour');
    await start('loud', 2, 1);
    await start('quiet', 3, 1);
    for (const address of [...own(2), ...own(3)]) await neighbour.output('ping', '-c1', '-W2', address);
    const remembered = async (n: number): Promise<string[]> =>
      (await Promise.all(own(n).map((address) => neighbour.output('ip', 'neigh', 'show', address)))).map(
        (line) => / lladdr (\S+)/.exec(line)?.[1] ?? line,
      );
    const [old, next] = [1, 2].map((mac) => `02:42:00:00:00:0${mac}`);
    await docker('rm', '-f', 'quiet', 'loud');
    await start('quiet', 3, 2);
    await start('loud', 2, 2);
    await eventually('the new one is known', async () => (await remembered(2)).every((mac) => mac === next) || undefined);
    expect(await remembered(3)).toEqual([old, old]);
    await docker('network', 'disconnect', 'loud', 'loud');
    await docker('network', 'connect', '--ip', '10.72.0.9', '--ip6', 'fd00:72::9', 'loud', 'loud');
    await eventually('and once more', async () => (await remembered(2)).every((mac) => mac !== next) || undefined);
    await docker('rm', '-f', 'neighbour', 'loud', 'quiet');
    await docker('network', 'rm', 'loud', 'quiet');
  });

  it('come from the host’s servers on the default bridge', async () => {
    expect(await docker('run', '--rm', '--dns', '198.51.100.5', '--dns-search', '.', BASE, 'cat', '/etc/resolv.conf')).toMatch(
      /^#.*\nnameserver 198\.51\.100\.5$/,
    );
  });
});
