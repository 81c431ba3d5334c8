/**
 * The same work without an engine: overlay, network namespace, veth and crun called one after the other, curl's part of a pull played by
 * fetch, gunzip and tar. What an engine can hope for.
 */
import { spawn } from 'node:child_process';
import { createReadStream, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import koffi from 'koffi';
import { mountRunFolder } from './processes.mjs';

const libc = koffi.load(null);
const mount = libc.func('int mount(str source, str target, str type, unsigned long flags, str data)');
const umount = libc.func('int umount2(str target, int flags)');

function exec(command, args, { input, cwd } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', 'inherit'], cwd });
    child.stdin?.end(input);
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ${args.join(' ')}: exit code ${code}`))));
  });
}

const gone = (pid) => {
  try {
    // A zombie counts as gone: its parent here may be slow.
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
};

export class ByHand {
  #count = 0;
  /** @param folder  for everything; @param archive  the small image, for its root file system */
  constructor(folder, image, registry) {
    this.folder = folder;
    this.image = image;
    this.registry = registry;
    this.base = join(folder, 'base');
    this.crunRoot = join(folder, 'crun');
  }

  /** Unpacks the small image's layer (a tar) and makes the bridge. */
  async prepare(layerTar) {
    mkdirSync(this.base, { recursive: true });
    mountRunFolder(this.crunRoot);
    writeFileSync(join(this.folder, 'layer.tar'), layerTar);
    await exec('tar', ['-xf', join(this.folder, 'layer.tar'), '-C', this.base]);
    await exec('crun', ['spec'], { cwd: this.folder });
    this.spec = JSON.parse(readFileSync(join(this.folder, 'config.json'), 'utf8'));
    await exec('ip', ['-batch', '-'], { input: 'link add hand0 type bridge\naddr add 10.231.0.1/16 dev hand0\nlink set hand0 up\n' });
  }

  async close() {
    await exec('ip', ['link', 'del', 'hand0']);
  }

  #bundle(args, network) {
    const id = `hand${this.#count++}`;
    const folder = join(this.folder, id);
    for (const name of ['upper', 'work', 'rootfs']) mkdirSync(join(folder, name), { recursive: true });
    const rootfs = join(folder, 'rootfs');
    if (
      mount('overlay', rootfs, 'overlay', 0, `lowerdir=${this.base},upperdir=${join(folder, 'upper')},workdir=${join(folder, 'work')}`) !==
      0
    ) {
      throw new Error('mounting the overlay failed');
    }
    const namespaces = this.spec.linux.namespaces.map((entry) =>
      entry.type === 'network' && network ? { ...entry, path: network } : entry,
    );
    const spec = {
      ...this.spec,
      root: { path: 'rootfs' },
      process: { ...this.spec.process, terminal: false, args, env: ['PATH=/bin'] },
      linux: { ...this.spec.linux, namespaces },
    };
    writeFileSync(join(folder, 'config.json'), JSON.stringify(spec));
    return { id, folder, rootfs };
  }

  #remove({ folder, rootfs }) {
    umount(rootfs, 2);
    rmSync(folder, { recursive: true });
  }

  #crun(...args) {
    return ['--root', this.crunRoot, ...args];
  }

  async run() {
    const start = performance.now();
    const name = `bench-hand${this.#count}`;
    await exec('ip', ['-batch', '-'], {
      input: `netns add ${name}\nlink add vh${this.#count} type veth peer name eth0 netns ${name}\nlink set vh${this.#count} master hand0 up\n`,
    });
    await exec('ip', ['-n', name, '-batch', '-'], {
      input: 'addr add 10.231.0.2/16 dev eth0\nlink set eth0 up\nroute add default via 10.231.0.1\n',
    });
    const bundle = this.#bundle(['true'], `/run/netns/${name}`);
    await exec('crun', this.#crun('run', '-b', bundle.folder, bundle.id));
    this.#remove(bundle);
    await exec('ip', ['netns', 'del', name]);
    return performance.now() - start;
  }

  async 'run-none'() {
    const start = performance.now();
    const bundle = this.#bundle(['true']);
    await exec('crun', this.#crun('run', '-b', bundle.folder, bundle.id));
    this.#remove(bundle);
    return performance.now() - start;
  }

  async attach() {
    const start = performance.now();
    const bundle = this.#bundle(['echo', 'hello']);
    const child = spawn('crun', this.#crun('run', '-b', bundle.folder, bundle.id), { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.on('close', resolve));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const result = performance.now() - start;
    await ended;
    this.#remove(bundle);
    return result;
  }

  async #background(args, use) {
    const bundle = this.#bundle(args);
    const pidFile = join(bundle.folder, 'pid');
    await exec('crun', this.#crun('run', '-d', '--pid-file', pidFile, '-b', bundle.folder, bundle.id));
    try {
      return await use(bundle.id, Number(readFileSync(pidFile, 'utf8')));
    } finally {
      await exec('crun', this.#crun('delete', '-f', bundle.id));
      this.#remove(bundle);
    }
  }

  exec() {
    return this.#background(['sleep', '60'], async (id) => {
      // The kernel lets one who moves a process into cgroups v1 wait (synchronize_rcu) unless another has just done so: the engines'
      // containers were started long before, too.
      await new Promise((resolve) => setTimeout(resolve, 500));
      const start = performance.now();
      await exec('crun', this.#crun('exec', id, 'true'));
      return performance.now() - start;
    });
  }

  stop() {
    return this.#background(['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1 & wait $!; done'], async (id, pid) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      const start = performance.now();
      await exec('crun', this.#crun('kill', id, 'TERM'));
      while (!gone(pid)) await new Promise((resolve) => setImmediate(resolve));
      return performance.now() - start;
    });
  }

  async #unpackAll(open) {
    const target = join(this.folder, 'unpacked');
    const start = performance.now();
    await Promise.all(
      this.image.layers.map(async (layer, i) => {
        const folder = join(target, String(i));
        mkdirSync(folder, { recursive: true });
        const child = spawn('tar', ['-xf', '-', '-C', folder], { stdio: ['pipe', 'ignore', 'inherit'] });
        const ended = new Promise((resolve) => child.on('close', resolve));
        await pipeline(...(await open(layer)), child.stdin);
        await ended;
      }),
    );
    const result = performance.now() - start;
    const removed = performance.now();
    rmSync(target, { recursive: true });
    return { result, removeMs: performance.now() - removed };
  }

  async pull() {
    const open = async ({ digest }) => [
      Readable.fromWeb((await fetch(`http://${this.registry}/v2/bench/large/blobs/sha256:${digest}`)).body),
      createGunzip(),
    ];
    return (await this.#unpackAll(open)).result;
  }

  async load(note) {
    const { result, removeMs } = await this.#unpackAll(({ tar }) => [createReadStream(tar, { highWaterMark: 1 << 20 })]);
    note('delete', removeMs);
    return result;
  }
}
