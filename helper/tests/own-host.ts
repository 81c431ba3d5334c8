import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { end, eventually } from './process.ts';

/** The mounts of a process, as the kernel writes them; none when it is gone. */
export function mountsOf(pid: number | string): string {
  try {
    return readFileSync(`/proc/${pid}/mountinfo`, 'utf8');
  } catch {
    return '';
  }
}

/** A mount namespace that is an engine's host, whose mounts the test makes and takes away. */
export class OwnHost {
  readonly #child: ChildProcess;
  /** A folder to mount in: a tmpfs that no other namespace has. */
  readonly folder: string;

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.folder = folder;
  }

  static async start(propagation: 'shared' | 'private'): Promise<OwnHost> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'gantry-host-'));
    // Apart from the machine's, whose mounts may be shared: what is mounted here is to be seen here alone.
    const script = `mount --make-r${propagation} /; exec sleep 3600`;
    const child = spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script], { stdio: 'ignore' });
    await eventually('the namespace', () => readFileSync(`/proc/${child.pid}/comm`, 'utf8') === 'sleep\n');
    const host = new OwnHost(child, folder);
    host.sh(`mount -t tmpfs host ${folder}`);
    return host;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Arguments that start a program here. */
  get wrap(): string[] {
    return ['nsenter', `--mount=/proc/${this.pid}/ns/mnt`];
  }

  /** A shell script here. @returns what it prints */
  sh(script: string): string {
    const [command = '', ...enter] = this.wrap;
    return execFileSync(command, [...enter, 'sh', '-ec', `cd /; ${script}`], { encoding: 'utf8' }).trim();
  }

  /** Mounts a tmpfs at a place in `folder`, with a file `name` in it that has the disk's name. @returns how to know it */
  plugIn(where: string): Disk {
    const name = `disk-${randomBytes(6).toString('hex')}`;
    const place = path.join(this.folder, where);
    this.sh(`mkdir -p ${place}; mount -t tmpfs ${name} ${place}; echo ${name} >${place}/name`);
    return { name, place };
  }

  async close(): Promise<void> {
    await end(this.#child, 'SIGKILL');
    rmdirSync(this.folder);
  }
}

export interface Disk {
  name: string;
  place: string;
}

/** Processes in whose mount namespace a disk is. */
export function usersOf({ name }: Disk): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && mountsOf(pid).includes(` ${name} `))
    .map((pid) => `${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`);
}

/** Once the kernel has let go of it: a container's namespace goes a moment after its last process. */
export async function isGone(disk: Disk): Promise<void> {
  await eventually(`nobody has ${disk.name}: ${usersOf(disk).join(', ')}`, () => usersOf(disk).length === 0);
}
