import { describe, expect, it } from 'vitest';
import { sendBlob } from '../tests/fake-registry.ts';
import { DATA, download, first, registry } from '../tests/registry-client.ts';

describe('a layer whose connection', () => {
  it('breaks goes on where it broke', async () => {
    const { digest } = registry.blob(DATA);
    registry.hook = first(3, /blobs/, (request, response) => {
      const from = Number(/bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(from ? 206 : 200, { 'Content-Length': DATA.length - from });
      response.write(DATA.subarray(from, from + 70_000), () => response.destroy());
      return true;
    });
    expect(DATA.equals(await download(digest))).toBe(true);
    expect(registry.requests.slice(1).map(({ headers }) => headers.range)).toEqual([
      undefined,
      'bytes=70000-',
      'bytes=140000-',
      'bytes=210000-',
    ]);
  });

  it('breaks, at a registry without ranges, is read again and what is here already passed over', async () => {
    const { digest } = registry.blob(DATA);
    registry.hook = (request, response) => {
      if (!request.url?.includes('blobs')) return false;
      const cut = registry.count(/blobs/) < 3;
      response.writeHead(200, { 'Content-Length': DATA.length });
      if (cut) response.write(DATA.subarray(0, 100_000), () => response.destroy());
      else response.end(DATA);
      return true;
    };
    expect(DATA.equals(await download(digest))).toBe(true);
  });

  it('falls silent is given up and begun anew', async () => {
    const { digest } = registry.blob(DATA);
    registry.hook = first(2, /blobs/, (request, response) => {
      const from = Number(/bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(from ? 206 : 200, { 'Content-Length': DATA.length - from }).write(DATA.subarray(from, from + 1000));
      return true; // and nothing more
    });
    expect(DATA.equals(await download(digest, { silenceMs: 150 }))).toBe(true);
  });

  it('never says a word is given up in the end', async () => {
    registry.hook = (request) => request.url?.includes('blobs') ?? false;
    const { digest } = registry.blob(DATA);
    await expect(download(digest, { silenceMs: 50 })).rejects.toThrow('net/http: timeout awaiting response');
    expect(registry.count(/blobs/)).toBe(5);
  });

  it('ends early, again and again, is given up', async () => {
    const { digest } = registry.blob(DATA);
    registry.hook = (_, response) => {
      response.end(); // a whole answer, of nothing
      return true;
    };
    await expect(download(digest)).rejects.toThrow('unexpected EOF');
  });

  it('brings more than the manifest says is refused at once', async () => {
    const { digest } = registry.blob(DATA);
    await expect(download(digest, { size: 1000 })).rejects.toMatchObject({ code: 'SIZE_INVALID' });
    expect(registry.count(/blobs/)).toBe(1);
  });
});

it('a blob is sent by ranges as registries do it', async () => {
  const { digest } = registry.blob(DATA);
  registry.hook = (request, response, url) => {
    if (!url.pathname.endsWith(digest)) return false;
    sendBlob(request, response, DATA);
    return true;
  };
  expect(await download(digest, { offset: 299_999 })).toEqual(DATA.subarray(299_999));
});
