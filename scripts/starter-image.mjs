#!/usr/bin/env node
/**
 * Builds dist/starter.tar, the image that the first run offers: a shell and a web page, made from the busybox of this machine.
 * An OCI image layout that is a docker-save archive as well: `docker load` reads it, ours and dockerd's. The same inputs give the same
 * bytes.
 */
import { createHash } from 'node:crypto';
import { createWriteStream, existsSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fingerprint, unlessFresh } from './lib/fingerprint.mjs';
import { dist, isMain, root } from './lib/paths.mjs';
import { ask, which } from './lib/run.mjs';
import { runMain, Stop, say } from './lib/say.mjs';

export const reference = 'gantry/starter:latest';
const created = '2026-01-01T00:00:00Z';
const mtime = new Date(created);
const architectures = { x64: 'amd64', arm64: 'arm64' };

/** Whether a 64-bit ELF program asks for a dynamic linker (has a program header of type PT_INTERP). */
function hasInterpreter(elf) {
  const [offset, size, count] = [Number(elf.readBigUInt64LE(32)), elf.readUInt16LE(54), elf.readUInt16LE(56)];
  return Array.from({ length: count }, (_, i) => elf.readUInt32LE(offset + i * size)).includes(3);
}

/** A statically linked busybox, or a Stop that says how to get one. */
function findBusybox() {
  const path = which('busybox');
  if (path === undefined) throw new Stop('busybox is missing: install busybox-static');
  if (hasInterpreter(readFileSync(path))) throw new Stop(`${path} is not statically linked: install busybox-static`);
  return path;
}

const sha256 = (content) => createHash('sha256').update(content).digest('hex');

/** A layer as an uncompressed tar. Entries: [name, content or link or undefined for a folder, mode]. */
async function tarOf(entries) {
  const { pack } = await import('tar-stream');
  const archive = pack();
  const chunks = [];
  archive.on('data', (chunk) => chunks.push(chunk));
  for (const { name, content, link, mode } of entries) {
    if (content !== undefined) archive.entry({ name, mode, mtime }, content);
    else if (link !== undefined) archive.entry({ name, type: 'symlink', linkname: link, mode: 0o777, mtime });
    else archive.entry({ name: `${name}/`, type: 'directory', mode, mtime });
  }
  archive.finalize();
  await new Promise((resolve, reject) => archive.on('end', resolve).on('error', reject));
  return Buffer.concat(chunks);
}

const terminals = ['x/xterm', 'x/xterm-256color', 'l/linux', 's/screen', 's/screen-256color', 't/tmux', 't/tmux-256color', 'v/vt100'];

/** C.UTF-8 of this machine: static programs read it, too. */
function localeEntries() {
  const source = ['/usr/lib/locale/C.utf8', '/usr/lib/locale/C.UTF-8'].find((folder) => existsSync(folder));
  if (source === undefined) return [];
  const target = 'usr/lib/locale/C.utf8';
  const entries = ['usr/lib', 'usr/lib/locale', target].map((name) => ({ name, mode: 0o755 }));
  for (const name of readdirSync(source, { recursive: true }).sort()) {
    const path = join(source, name);
    if (statSync(path).isDirectory()) entries.push({ name: `${target}/${name}`, mode: 0o755 });
    else entries.push({ name: `${target}/${name}`, content: readFileSync(path), mode: 0o644 });
  }
  return entries;
}

/** A shell that shows Chinese while it is typed, and what it must know of terminals; busybox's does not. */
function bashEntries() {
  const bash = which('bash-static');
  if (bash === undefined) return [];
  const known = terminals.filter((name) => existsSync(join('/lib/terminfo', name)));
  const folders = ['lib', 'lib/terminfo', ...new Set(known.map((name) => `lib/terminfo/${name[0]}`))];
  return [
    { name: 'bin/bash', content: readFileSync(bash), mode: 0o755 },
    { name: 'bin/sh', link: 'bash' },
    { name: 'root/.bashrc', content: Buffer.from('. /etc/shinit\n'), mode: 0o644 },
    ...folders.map((name) => ({ name, mode: 0o755 })),
    ...known.map((name) => ({ name: `lib/terminfo/${name}`, content: readFileSync(join('/lib/terminfo', name)), mode: 0o644 })),
    ...localeEntries(),
  ];
}

function baseEntries(busybox) {
  const bash = bashEntries();
  const applets = (ask(busybox, ['--list-full']) ?? '').split('\n').filter((path) => path !== '' && path !== 'bin/busybox');
  const folder = (name, mode = 0o755) => ({ name, mode });
  const text = (name, content, mode = 0o644) => ({ name, content: Buffer.from(content), mode });
  return [
    ...['bin', 'sbin', 'usr', 'usr/bin', 'usr/sbin', 'usr/local', 'usr/local/bin', 'etc', 'dev', 'proc', 'sys', 'var', 'var/log'].map(
      (name) => folder(name),
    ),
    folder('root', 0o700),
    folder('tmp', 0o1777),
    { name: 'bin/busybox', content: readFileSync(busybox), mode: 0o755 },
    ...applets.filter((path) => !bash.some(({ name }) => name === path)).map((path) => ({ name: path, link: '/bin/busybox' })),
    ...bash,
    text('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n'),
    text('etc/group', 'root:x:0:\nnogroup:x:65534:\n'),
    text('etc/nsswitch.conf', 'hosts: files dns\n'),
    text('etc/os-release', 'NAME="Gantry starter"\nID=gantry-starter\nPRETTY_NAME="Gantry starter image"\n'),
  ];
}

function pageEntries() {
  const own = (name) => readFileSync(join(root, 'scripts', 'starter', name));
  return [
    { name: 'etc', mode: 0o755 },
    { name: 'etc/shinit', content: own('shinit'), mode: 0o644 },
    { name: 'usr/local/bin/starter', content: own('start.sh'), mode: 0o755 },
    { name: 'www', mode: 0o755 },
    { name: 'www/cgi-bin', mode: 0o755 },
    { name: 'www/cgi-bin/index.cgi', content: own('index.cgi'), mode: 0o755 },
  ];
}

function imageConfig(layers) {
  return {
    created,
    author: 'Gantry',
    architecture: architectures[process.arch] ?? process.arch,
    os: 'linux',
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LANG=C.UTF-8', 'ENV=/etc/shinit'],
      Cmd: ['/usr/local/bin/starter'],
      WorkingDir: '/',
      ExposedPorts: { '80/tcp': {} },
      StopSignal: 'SIGTERM',
      Labels: {
        'org.opencontainers.image.title': 'Gantry starter',
        'org.opencontainers.image.description': 'A shell and a web page, to try containers with',
        'org.opencontainers.image.version': '1',
        'org.opencontainers.image.licenses': 'Apache-2.0 AND GPL-2.0-only AND GPL-3.0-or-later',
        'org.opencontainers.image.created': created,
      },
    },
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
    history: [
      { created, created_by: 'COPY busybox, its applets and bash', author: 'Gantry' },
      { created, created_by: 'COPY the welcome page', author: 'Gantry' },
      { created, created_by: 'CMD ["/usr/local/bin/starter"]', author: 'Gantry', empty_layer: true },
    ],
  };
}

async function writeArchive(path, busybox) {
  const layers = [await tarOf(baseEntries(busybox)), await tarOf(pageEntries())];
  const json = (value) => Buffer.from(JSON.stringify(value));
  const config = json(imageConfig(layers));
  const descriptor = (mediaType, content) => ({ mediaType, digest: `sha256:${sha256(content)}`, size: content.length });
  const manifest = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: layers.map((layer) => descriptor('application/vnd.oci.image.layer.v1.tar', layer)),
  });
  const annotations = {
    'io.containerd.image.name': `docker.io/${reference}`,
    'org.opencontainers.image.ref.name': reference.split(':')[1],
  };
  const index = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [{ ...descriptor('application/vnd.oci.image.manifest.v1+json', manifest), annotations }],
  });
  const blob = (content) => `blobs/sha256/${sha256(content)}`;
  const saved = json([{ Config: blob(config), RepoTags: [reference], Layers: layers.map(blob) }]);
  const { pack } = await import('tar-stream');
  const archive = pack();
  const part = `${path}.part`;
  const written = pipeline(archive, createWriteStream(part));
  for (const folder of ['blobs/', 'blobs/sha256/']) archive.entry({ name: folder, type: 'directory', mode: 0o755, mtime });
  const files = [
    ...[...layers, config, manifest].map((content) => [blob(content), content]),
    ['index.json', index],
    ['manifest.json', saved],
  ];
  for (const [name, content] of [...files, ['oci-layout', json({ imageLayoutVersion: '1.0.0' })]])
    archive.entry({ name, mode: 0o644, mtime }, content);
  archive.finalize();
  await written;
  renameSync(part, path);
}

/** Builds the starter image unless it is there. @returns the path of the archive */
export async function starterImage() {
  const path = join(dist, 'starter.tar');
  const busybox = findBusybox();
  const made = fingerprint(
    ['scripts/starter', 'scripts/starter-image.mjs'],
    [busybox, which('bash-static')].map((file) => (file ? sha256(readFileSync(file)) : '')).join(),
  );
  if (await unlessFresh(join(dist, '.stamps', 'starter'), made, [path], () => writeArchive(path, busybox)))
    say(`built the starter image ${reference}`);
  return path;
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    if (process.argv.includes('--help'))
      process.stdout.write('Usage: node scripts/starter-image.mjs\nBuilds dist/starter.tar and prints its path.\n');
    else if (!existsSync(join(root, 'node_modules'))) throw new Stop('run node scripts/setup.mjs first');
    else process.stdout.write(`${await starterImage()}\n`);
  });
}
