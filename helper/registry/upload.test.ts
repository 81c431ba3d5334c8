import { describe, expect, it } from 'vitest';
import { type Hook, refuse } from '../tests/fake-registry.ts';
import { digestOf } from '../tests/images.ts';
import { always, DATA, first, registry, upload, using } from '../tests/registry-client.ts';

describe('an upload', () => {
  it.each([false, true])('that breaks goes on (compressed on the way: %s)', async (gzip) => {
    registry.cutUploads = { times: 2, bytes: 60_000 };
    const known = gzip ? {} : { digest: digestOf(DATA) };
    const result = await using((repository) => upload(repository, { gzip, ...known }), { actions: 'pull,push' });
    expect(registry.cutUploads.times).toBe(0);
    expect(registry.blobs.has(result.digest)).toBe(true);
    if (!gzip) {
      expect(registry.blobs.get(result.digest)?.equals(DATA)).toBe(true);
      expect(
        registry.requests.some(({ line, headers }) => line.startsWith('PATCH') && /^\d{5,}-/.test(String(headers['content-range']))),
      ).toBe(true);
    }
  });

  it('is begun anew when the registry has forgotten it', async () => {
    registry.hook = first(1, /PATCH/, (_, response) => {
      refuse(response, 503, 'UNAVAILABLE', 'wait');
      return true;
    });
    const forget = registry.hook;
    registry.hook = (request, response, url) => {
      if (request.method === 'GET' && url.pathname.includes('/uploads/')) {
        refuse(response, 404, 'BLOB_UPLOAD_UNKNOWN', 'unknown');
        return true;
      }
      return (forget as Hook)(request, response, url);
    };
    expect(await using((repository) => upload(repository), { actions: 'pull,push' })).toMatchObject({ how: 'uploaded' });
    expect(registry.count(/^POST/)).toBe(2);
  });

  it('is none where the blob is there, or in another repository', async () => {
    const { digest } = registry.blob(DATA);
    expect(await using((repository) => upload(repository, { digest }), { actions: 'pull,push' })).toMatchObject({ how: 'exists' });
    registry.hook = first(
      1,
      /HEAD/,
      always((_, response) => response.writeHead(404).end()),
    );
    expect(await using((repository) => upload(repository, { digest, mountFrom: 'c/d' }), { actions: 'pull,push' })).toMatchObject({
      how: 'mounted',
    });
    expect(registry.count(new RegExp(`^POST .*mount=${digest}&from=c%2Fd`))).toBe(1);
    expect(registry.count(/PATCH/)).toBe(0);
  });

  it('that is denied is not tried again', async () => {
    registry.hook = (request, response) => {
      if (request.method !== 'POST') return false;
      refuse(response, 403, 'DENIED', 'requested access to the resource is denied');
      return true;
    };
    await expect(using((repository) => upload(repository), { actions: 'pull,push' })).rejects.toThrow(
      'denied: requested access to the resource is denied',
    );
    expect(registry.count(/POST/)).toBe(1);
  });

  it('is refused in the words of the answer that has some: one to HEAD has none', async () => {
    const { digest } = registry.blob(DATA);
    registry.hook = always((request, response) => {
      if (request.method === 'HEAD') response.writeHead(403).end();
      else refuse(response, 403, 'DENIED', 'the project is for reading only');
    });
    await expect(using((repository) => upload(repository, { digest }), { actions: 'pull,push' })).rejects.toThrow(
      'denied: the project is for reading only',
    );
  });
});
