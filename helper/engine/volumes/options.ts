import { execFile } from 'node:child_process';
import type { HostMounts } from '../../system/mount/index.ts';
import { parseBytes } from '../bytes.ts';
import { Failure } from '../failure.ts';
import { mountOnHost, namesPath } from './host-mount.ts';

/** Options of the local driver: mount(8)'s type, device and `-o`. */
export type DriverOptions = Record<string, string>;

const KNOWN = new Set(['type', 'o', 'device', 'size']);
const NEEDS: Record<string, string[]> = { device: ['type'], type: ['device'], o: ['device', 'type'] };

/** @throws Failure invalidParameter with dockerd's texts */
export function checkDriverOptions(name: string, options: DriverOptions): void {
  const fail = (text: string): never => {
    throw new Failure('invalidParameter', `create ${name}: ${text}`);
  };
  for (const key of Object.keys(options)) if (!KNOWN.has(key)) fail(`invalid option: ${JSON.stringify(key)}`);
  if (options.type === 'cifs' && /^[^/]*\/\/[^/]*:\d+(\/|$)/.test(options.device ?? '')) {
    fail("port not allowed in CIFS device URL, include 'port' in 'o='");
  }
  const size = options.size === undefined ? 0 : parseBytes(options.size);
  if (size === undefined) fail(`invalid size: '${options.size}'`);
  else if (size > 0) fail('quota size requested but no quota support');
  for (const key of Object.keys(options)) {
    for (const needed of NEEDS[key] ?? []) if (!(needed in options)) fail(`missing required option: ${JSON.stringify(needed)}`);
  }
}

/** True when the volume's data is not simply a folder but something that must be mounted. */
export function needsMount(options: DriverOptions): boolean {
  return Boolean(options.device || options.type);
}

/**
 * Arguments of mount(8). NFS devices written as `:/path` with `o=addr=HOST` (the form of Docker's documentation) get
 * their host in front, as mount.nfs wants it.
 */
export function mountArguments(options: DriverOptions, target: string): string[] {
  const type = options.type ?? '';
  const flags = options.o ?? '';
  let device = options.device ?? '';
  if (type.startsWith('nfs') && device.startsWith(':')) {
    const address = flags
      .split(',')
      .find((flag) => flag.startsWith('addr='))
      ?.slice('addr='.length);
    if (address) device = `${address.includes(':') ? `[${address}]` : address}${device}`;
  }
  return [...(type ? ['-t', type] : []), ...(flags ? ['-o', flags] : []), '--', device, target];
}

/** Options that are bits of mount(2), or take one away; the others are the file system's. Source: mount(2), linux/mount.h */
const FLAGS: Record<string, number> = {
  ...{ ro: 1, nosuid: 2, nodev: 4, noexec: 8, sync: 0x10, remount: 0x20, mand: 0x40, dirsync: 0x80 },
  ...{ noatime: 0x400, nodiratime: 0x800, bind: 0x1000, rbind: 0x5000, unbindable: 0x20000, runbindable: 0x24000 },
  ...{ private: 0x40000, rprivate: 0x44000, slave: 0x80000, rslave: 0x84000, shared: 0x100000, rshared: 0x104000 },
  ...{ relatime: 0x200000, strictatime: 0x1000000 },
  ...{ defaults: 0, rw: 0, suid: 0, dev: 0, exec: 0, async: 0, nomand: 0, atime: 0, diratime: 0, norelatime: 0, nostrictatime: 0 },
};
/** mount(8)'s words → the error of mount(2), as Go has it: clients look for `no such file or directory`. */
const REASONS: [RegExp, string][] = [
  [/does not exist|No such file/, 'no such file or directory'],
  [/unknown filesystem type/, 'no such device'],
  [/wrong fs type|bad option/, 'invalid argument'],
  [/permission denied/i, 'permission denied'],
  [/already mounted|busy/, 'device or resource busy'],
  [/Connection refused/, 'connection refused'],
  [/timed out/, 'connection timed out'],
  [/No route to host/, 'no route to host'],
];

/** `mount DEVICE:TARGET, flags: 0x1000, data: size=1: REASON`, passwords hidden */
function refusal(options: DriverOptions, target: string, words: string): string {
  const given = (options.o ?? '').split(',').filter(Boolean);
  const flags = given.reduce((bits, option) => bits | (FLAGS[option] ?? 0), 0);
  const data = given
    .filter((option) => !(option in FLAGS))
    .map((option) => (option.startsWith('password=') ? 'password=********' : option))
    .join(',');
  const reason = REASONS.find(([pattern]) => pattern.test(words))?.[1] ?? words.replace(/password=[^,\s]*/g, 'password=********');
  const place = options.device ? `${options.device}:${target}` : target;
  return `mount ${place}${flags ? `, flags: 0x${flags.toString(16)}` : ''}${data ? `, data: ${data}` : ''}: ${reason}`;
}

/** @throws Failure system in dockerd's words */
export async function mountVolume(options: DriverOptions, target: string, host: HostMounts | undefined): Promise<void> {
  const args = mountArguments(options, target);
  const words = host && namesPath(options) ? await mountOnHost(host, args, target) : await run('mount', args);
  if (words === undefined) return;
  throw new Failure('system', `failed to mount local volume: ${refusal(options, target, words)}`);
}

/** Lazily, as dockerd does it: a server that is away must not keep a container from ending. */
export async function unmountVolume(target: string): Promise<void> {
  const words = await run('umount', ['-l', '--', target]);
  if (words !== undefined && !/not mounted|no mount point|not found/.test(words)) {
    throw new Failure('system', `error while unmounting volume path '${target}': ${words}`);
  }
}

/** Undefined on success, else what the program said. */
function run(program: string, args: string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: 60_000, env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' } }, (error, _stdout, stderr) => {
      resolve(error ? stderr.trim() || error.message : undefined);
    });
  });
}
