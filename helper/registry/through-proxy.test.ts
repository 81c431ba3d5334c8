import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manifest, registry } from '../tests/registry-client.ts';

describe('a proxy', () => {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];
  const before = Object.fromEntries(names.map((name) => [name, process.env[name]]));
  let proxy: http.Server;
  let seen: string[];
  beforeEach(async () => {
    for (const name of names) delete process.env[name];
    seen = [];
    // It alone knows the registry's name.
    proxy = http.createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
      const url = new URL(request.url ?? '');
      const passed = http.request(
        { port: registry.port, path: `${url.pathname}${url.search}`, method: request.method, headers: request.headers },
        (answer) => {
          response.writeHead(answer.statusCode ?? 0, answer.headers);
          answer.pipe(response);
        },
      );
      request.pipe(passed);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    for (const name of names) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
    proxy.closeAllConnections();
    proxy.close();
  });
  const address = (): string => `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const named = { domain: 'registry.test:5000', settings: { insecureRegistries: ['registry.test:5000'] } };

  it('is used for http, with its own credentials', async () => {
    const { digest } = registry.add('a/b:1', []);
    process.env.HTTP_PROXY = `http://user:pass@${address()}`;
    expect(await manifest(named)).toBe(digest);
    expect(seen).toEqual([`GET http://registry.test:5000/v2/a/b/manifests/1 Basic ${Buffer.from('user:pass').toString('base64')}`]);
    expect(registry.requests[0]?.headers.host).toBe('registry.test:5000');
  });

  it('is not used for this machine, nor for what NO_PROXY names', async () => {
    const { digest } = registry.add('a/b:1', []);
    process.env.http_proxy = address();
    expect(await manifest()).toBe(digest);
    process.env.NO_PROXY = 'other.test, registry.test:5000';
    await expect(manifest(named)).rejects.toThrow(/lookup registry\.test/);
    expect(seen).toEqual([]);
  });

  it('that is not there is told', async () => {
    process.env.HTTP_PROXY = 'http://127.0.0.1:1';
    await expect(manifest(named)).rejects.toThrow(/connection refused/);
  });
});
