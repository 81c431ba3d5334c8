import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import tar from 'tar-stream';

export const BUSYBOX = '/bin/busybox';
export const BASE = 'gantry-test/base:1';

let built: Promise<Buffer> | undefined;

/** A docker-save archive of BASE, made of Debian's busybox-static: no download. */
export function baseImageArchive(): Promise<Buffer> {
  built ??= build();
  return built;
}

async function build(): Promise<Buffer> {
  const layer = await rootfs();
  const diffId = `sha256:${createHash('sha256').update(layer).digest('hex')}`;
  const config = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    created: '2026-01-02T03:04:05.123456789Z',
    config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['sh'], Labels: { made: 'by-test' } },
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created: '2026-01-02T03:04:05.123456789Z', created_by: 'busybox-static' }],
  });
  const configName = `${createHash('sha256').update(config).digest('hex')}.json`;
  return archive([
    { name: 'layer.tar', data: layer },
    { name: configName, data: Buffer.from(config) },
    { name: 'manifest.json', data: Buffer.from(JSON.stringify([{ Config: configName, RepoTags: [BASE], Layers: ['layer.tar'] }])) },
  ]);
}

/** The root file system of BASE as an uncompressed tar: also what `docker import` takes. */
export function rootfs(): Promise<Buffer> {
  const applets = execFileSync(BUSYBOX, ['--list'], { encoding: 'utf8' }).split('\n').filter(Boolean);
  return archive([
    ...['bin/', 'etc/', 'proc/', 'sys/', 'dev/', 'root/', 'home/'].map((name) => ({ name })),
    { name: 'tmp/', mode: 0o1777 },
    { name: 'bin/busybox', data: readFileSync(BUSYBOX), mode: 0o755 },
    ...applets.filter((name) => name !== 'busybox').map((name) => ({ name: `bin/${name}`, link: 'busybox' })),
    { name: 'etc/passwd', data: Buffer.from('root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home:/bin/sh\n') },
    { name: 'etc/group', data: Buffer.from('root:x:0:\nalice:x:1000:\nwheel:x:10:alice\n') },
    { name: 'etc/not-executable', data: Buffer.from('no program'), mode: 0o644 },
  ]);
}

interface Entry {
  name: string;
  data?: Buffer;
  link?: string;
  mode?: number;
}

/** A tar of `entries`: folders end with a slash. */
export async function archive(entries: Entry[]): Promise<Buffer> {
  const pack = tar.pack();
  const chunks: Buffer[] = [];
  const collected = (async () => {
    for await (const chunk of pack) chunks.push(chunk as Buffer);
  })();
  for (const { name, data = Buffer.alloc(0), link, mode } of entries) {
    const mtime = new Date(1_700_000_000_000);
    if (link) pack.entry({ name, type: 'symlink', linkname: link, mtime });
    else if (name.endsWith('/')) pack.entry({ name, type: 'directory', mode: mode ?? 0o755, mtime });
    else pack.entry({ name, mode: mode ?? 0o644, mtime }, data);
  }
  pack.finalize();
  await collected;
  return Buffer.concat(chunks);
}
