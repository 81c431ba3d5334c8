import { execFile } from 'node:child_process';
import { Failure } from '../failure.ts';

/** Options of the local driver: mount(8)'s type, device and `-o`. */
export type DriverOptions = Record<string, string>;

const KNOWN = new Set(['type', 'o', 'device', 'size']);
const NEEDS: Record<string, string[]> = { device: ['type'], type: ['device'], o: ['device', 'type'] };

/** @throws Failure invalidParameter with dockerd's texts */
export function checkDriverOptions(name: string, options: DriverOptions): void {
  const fail = (text: string): never => {
    throw new Failure('invalidParameter', `create ${name}: ${text}`);
  };
  for (const key of Object.keys(options)) {
    if (!KNOWN.has(key)) fail(`invalid option: ${JSON.stringify(key)}`);
    for (const needed of NEEDS[key] ?? []) {
      if (!(needed in options)) fail(`missing required option: ${JSON.stringify(needed)}`);
    }
  }
  if ('size' in options && options.size !== '0') fail('quota size requested but no quota support');
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

/** @throws Failure system with mount's own words, passwords hidden */
export async function mountVolume(name: string, options: DriverOptions, target: string): Promise<void> {
  const words = await run('mount', mountArguments(options, target));
  if (words === undefined) return;
  const shown = words.replace(/password=[^,\s]*/g, 'password=********');
  throw new Failure('system', `error while mounting volume '${target}': failed to mount local volume ${name}: ${shown}`);
}

export async function unmountVolume(target: string): Promise<void> {
  const words = await run('umount', ['--', target]);
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
