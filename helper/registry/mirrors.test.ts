import { describe, expect, it } from 'vitest';
import type { FakeRegistry } from '../tests/fake-registry.ts';
import { another, manifest, registry, signal, status, using, type With } from '../tests/registry-client.ts';

describe('mirrors', () => {
  const settings = (...mirrors: FakeRegistry[]): With => ({
    domain: 'docker.io',
    settings: { registryMirrors: mirrors.map(({ url }) => url) },
  });

  it('are asked in their order, and what one lacks, refuses or breaks off is asked of the next', async () => {
    const [refusing, broken, silent] = [await another(), await another(), await another()];
    const { digest } = registry.add('a/b:1', []);
    refusing.hook = status(403);
    broken.add('a/b:1', []);
    broken.hook = (request, response) => {
      if (!request.url?.includes('blobs')) return false;
      response.writeHead(200, { 'Content-Length': 100 }).write('x', () => response.destroy());
      return true;
    };
    silent.hook = () => true;
    const empty = await another();
    const config =
      registry.manifests
        .get('a/b:1')
        ?.data.toString()
        .match(/sha256:[0-9a-f]{64}/)?.[0] ?? '';
    const seen = await using(
      async (repository) => {
        const found = await repository.manifest('1', signal);
        await repository.smallBlob(config, signal);
        return `${repository.endpoint.base} ${found.digest}`;
      },
      { ...settings(refusing, empty, broken, silent, registry), silenceMs: 100 },
    );
    expect(seen).toBe(`${registry.url} ${digest}`);
  });

  it('see no credentials of Docker Hub', async () => {
    registry.add('a/b:1', []);
    registry.hook = (request, response) => {
      if (request.headers.authorization) return false;
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="m"' }).end();
      return true;
    };
    const last = await another();
    last.add('a/b:1', []);
    await manifest({ ...settings(registry, last), auth: { username: 'mei', password: 'secret' } });
    expect(registry.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it('are left alone when what failed is ours', async () => {
    const second = await another();
    const failing = using(
      async () => {
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      },
      settings(registry, second),
    );
    await expect(failing).rejects.toThrow('ENOSPC');
    expect(second.requests).toHaveLength(0);
  });
});
