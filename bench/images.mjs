/** Images to measure with: a small one with busybox, and a large one like those that people pull. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { userCache } from '../scripts/lib/paths.mjs';
import { ask, which } from '../scripts/lib/run.mjs';

const mtime = new Date('2026-01-01T00:00:00Z');
const sha256 = (content) => createHash('sha256').update(content).digest('hex');

export const smallImage = 'bench/small:latest';

/** The layer of the small image: busybox and links to it. */
export async function smallLayer() {
  const busybox = which('busybox');
  const layer = pack();
  for (const name of ['bin', 'etc', 'tmp', 'dev', 'proc', 'sys']) layer.entry({ name: `${name}/`, type: 'directory', mode: 0o755, mtime });
  layer.entry({ name: 'bin/busybox', mode: 0o755, mtime }, readFileSync(busybox));
  for (const path of ask(busybox, ['--list'])
    .split('\n')
    .filter((name) => name !== 'busybox')) {
    layer.entry({ name: `bin/${path}`, type: 'symlink', linkname: 'busybox', mtime });
  }
  layer.entry({ name: 'etc/passwd', mtime }, 'root:x:0:0:root:/:/bin/sh\n');
  layer.finalize();
  return collect(layer);
}

/** A docker-save archive of a one-layer image with busybox. */
export async function smallArchive() {
  return collect(archiveOf(smallImage, [await smallLayer()]));
}

/** A docker-save archive, as a stream, of an image with these layers (buffers). */
function archiveOf(reference, layers) {
  const digests = layers.map(sha256);
  const config = Buffer.from(JSON.stringify(configOf(digests)));
  const archive = pack();
  archive.entry({ name: `${sha256(config)}.json`, mtime }, config);
  for (const [at, content] of layers.entries()) archive.entry({ name: `${digests[at]}.tar`, mtime }, content);
  const Layers = digests.map((digest) => `${digest}.tar`);
  archive.entry({ name: 'manifest.json', mtime }, JSON.stringify([{ Config: `${sha256(config)}.json`, RepoTags: [reference], Layers }]));
  archive.finalize();
  return archive;
}

/**
 * An image of many small layers above the one with busybox, as an archive: made in memory, nothing of it is on disk.
 *
 * @param first   number of its first layer: layers of equal numbers are equal
 * @param layers  how many
 * @param bytes   in each, in files of some 64 KiB
 */
export async function layeredArchive(reference, base, { first, layers, bytes }) {
  const made = [];
  for (let number = first; number < first + layers; number++) {
    const next = generator(number + 1);
    pool ??= filler(generator(1));
    const layer = pack();
    const name = `layer-${number}`;
    layer.entry({ name: `${name}/`, type: 'directory', mode: 0o755, mtime });
    for (let left = bytes, file = 0; left > 0; file++) {
      const size = Math.min(left, 65_536);
      const at = next() % (pool.length - size);
      layer.entry({ name: `${name}/file-${file}`, mode: 0o644, mtime }, pool.subarray(at, at + size));
      left -= size;
    }
    layer.finalize();
    made.push(await collect(layer));
  }
  return archiveOf(reference, [base, ...made]);
}

const configOf = (diffIds) => ({
  architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
  os: 'linux',
  config: { Env: ['PATH=/bin'], Cmd: ['sh'] },
  rootfs: { type: 'layers', diff_ids: diffIds.map((digest) => `sha256:${digest}`) },
  history: diffIds.map(() => ({ created: mtime.toISOString(), created_by: 'bench' })),
});

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Numbers that look random and are the same every time (xorshift). */
function generator(seed) {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Content that compresses like programs and text do, to about 40 %. */
function filler(next) {
  const pool = Buffer.alloc(4 << 20);
  for (let at = 0; at < pool.length; at += 4) pool.writeUInt32LE((next() & (at % 16 < 8 ? 0xffffffff : 0x0f0f0f0f)) >>> 0, at);
  return pool;
}

/** Made once: 4 MiB that many layers take their files from. */
let pool;

/** A folder `tree` as an archive: files of 300 bytes to 4 KB, a hundred in each folder. */
export function treeArchive(files) {
  const next = generator(7);
  pool ??= filler(generator(1));
  const archive = pack();
  archive.entry({ name: 'tree/', type: 'directory', mode: 0o755, mtime });
  for (let i = 0; i < files; i++) {
    const folder = `tree/${Math.floor(i / 100)}`;
    if (i % 100 === 0) archive.entry({ name: `${folder}/`, type: 'directory', mode: 0o755, mtime });
    const size = 300 + (next() % 3700);
    const at = next() % (pool.length - size);
    archive.entry({ name: `${folder}/file-${i}`, mode: 0o644, mtime }, pool.subarray(at, at + size));
  }
  archive.finalize();
  return collect(archive);
}

/** One file as an archive. */
export function fileArchive(name, bytes) {
  pool ??= filler(generator(1));
  const archive = pack();
  archive.entry({ name, mode: 0o644, mtime }, Buffer.alloc(bytes, pool));
  archive.finalize();
  return collect(archive);
}

async function writeLayer(path, seed, files, bytes) {
  const next = generator(seed);
  const content = filler(next);
  const layer = pack();
  const written = pipeline(layer, createWriteStream(path));
  const mean = bytes / files;
  for (let i = 0; i < files; i++) {
    const folder = `data-${seed}/${Math.floor(i / 100)}`;
    if (i % 100 === 0) layer.entry({ name: `${folder}/`, type: 'directory', mode: 0o755, mtime });
    // Many small files and a few large ones: half of them share a tenth of the bytes.
    const size = Math.floor(i % 2 === 0 ? mean * 0.2 : mean * 1.8);
    const offset = next() % (content.length - Math.min(size, content.length - 1));
    if (!layer.entry({ name: `${folder}/file-${i}`, mode: 0o644, mtime }, content.subarray(offset, offset + size))) {
      await new Promise((resolve) => layer.once('drain', resolve));
    }
  }
  layer.finalize();
  await written;
}

async function digestOf(path) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

/**
 * The large image as files, made once and kept in the cache.
 *
 * @returns { folder, layers: [{ tar, gzip, diffId, digest, size }], config, bytes }
 */
export async function largeImage({ layers = 6, files = 20_000, megabytes = 400 } = {}) {
  const folder = join(userCache, 'bench', `${layers}x${files}x${megabytes}`);
  const description = join(folder, 'image.json');
  if (existsSync(description)) return JSON.parse(readFileSync(description, 'utf8'));
  mkdirSync(folder, { recursive: true });
  const made = [];
  for (let i = 0; i < layers; i++) {
    const tar = join(folder, `${i}.tar`);
    await writeLayer(tar, i + 1, Math.ceil(files / layers), (megabytes * 1e6) / layers);
    await pipeline(createReadStream(tar), createGzip({ level: 6 }), createWriteStream(`${tar}.gz`));
    made.push({
      tar,
      gzip: `${tar}.gz`,
      diffId: await digestOf(tar),
      digest: await digestOf(`${tar}.gz`),
      size: statSync(`${tar}.gz`).size,
    });
  }
  const bytes = made.reduce((sum, { tar }) => sum + statSync(tar).size, 0);
  const image = { folder, layers: made, config: JSON.stringify(configOf(made.map(({ diffId }) => diffId))), bytes };
  writeFileSync(`${description}.part`, JSON.stringify(image));
  renameSync(`${description}.part`, description);
  return image;
}

/** The large image as a docker-save archive. */
export function largeArchive(image, reference) {
  const archive = pack();
  const fill = async () => {
    archive.entry({ name: `${sha256(image.config)}.json`, mtime }, image.config);
    for (const { tar, diffId } of image.layers) {
      const entry = archive.entry({ name: `${diffId}.tar`, size: statSync(tar).size, mtime });
      await pipeline(createReadStream(tar, { highWaterMark: 1 << 20 }), entry);
    }
    const Layers = image.layers.map(({ diffId }) => `${diffId}.tar`);
    archive.entry(
      { name: 'manifest.json', mtime },
      JSON.stringify([{ Config: `${sha256(image.config)}.json`, RepoTags: [reference], Layers }]),
    );
    archive.finalize();
  };
  fill().catch((error) => archive.destroy(error));
  return archive;
}

/** Puts the large image into a registry. */
export async function pushLarge(image, registry, name, tag) {
  const base = `http://${registry}/v2/${name}`;
  const upload = async (digest, size, open) => {
    const begun = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
    const target = new URL(begun.headers.get('location'), base);
    target.searchParams.set('digest', `sha256:${digest}`);
    const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': String(size) };
    const put = await fetch(target, { method: 'PUT', body: Readable.toWeb(open()), duplex: 'half', headers });
    if (!put.ok) throw new Error(`the registry refused a blob: ${put.status} ${await put.text()}`);
  };
  for (const { gzip, digest, size } of image.layers) await upload(digest, size, () => createReadStream(gzip));
  await upload(sha256(image.config), Buffer.byteLength(image.config), () => Readable.from([Buffer.from(image.config)]));
  const type = 'application/vnd.docker.distribution.manifest.v2+json';
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: type,
    config: {
      mediaType: 'application/vnd.docker.container.image.v1+json',
      digest: `sha256:${sha256(image.config)}`,
      size: Buffer.byteLength(image.config),
    },
    layers: image.layers.map(({ digest, size }) => ({
      mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
      digest: `sha256:${digest}`,
      size,
    })),
  });
  const put = await fetch(`${base}/manifests/${tag}`, { method: 'PUT', body: manifest, headers: { 'Content-Type': type } });
  if (!put.ok) throw new Error(`the registry refused the manifest: ${put.status}`);
}
