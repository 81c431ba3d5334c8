import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { Failure } from '../../engine/failure.ts';

/** The programs that administrators have in sbin, which a desktop session's PATH may lack. */
const environment = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' };

/** Debian's and most others' names of what brings these programs. */
const PACKAGES = { nft: 'nftables', ip: 'iproute2' } as const;

/** @throws Failure unavailable that names the package to install: at the start, not when the first network needs it */
export function requireProgram(program: keyof typeof PACKAGES): void {
  const found = environment.PATH.split(':').some((folder) => {
    try {
      accessSync(path.join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  const name = PACKAGES[program];
  if (!found) throw new Failure('unavailable', `${program} is not installed: install the package "${name}" (apt install ${name})`);
}

/** Runs a program with `input`. @returns what it printed; @throws Error with what it said */
export function run(program: string, args: string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (out.length < 4 << 20) out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (err.length < 64 << 10) err += text;
    });
    child.on('error', reject);
    // The program may end before it read all: its exit tells why.
    child.stdin.on('error', () => {});
    child.on('close', (code) => {
      if (code === 0) resolve(out);
      else reject(new Error(`${program}: ${err.trim() || `exit code ${code}`}`));
    });
    child.stdin.end(input);
  });
}

/**
 * Applies scripts one after the other, each a transaction. What comes in while one runs is joined into the next: twenty
 * containers that start at once cost two or three processes, not twenty. When a joined script fails its parts run alone,
 * so that each caller gets its own outcome.
 */
export class Nft {
  #waiting: { script: string; resolve: () => void; reject: (error: unknown) => void }[] = [];
  #busy = false;

  /** A script is under way: whoever changes the table by another way now would be out of order. */
  get busy(): boolean {
    return this.#busy;
  }

  apply(script: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ script, resolve, reject });
      if (!this.#busy) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await run('nft', ['-f', '-'], `${batch.map((entry) => entry.script).join('\n')}\n`);
        for (const entry of batch) entry.resolve();
      } catch (error) {
        if (batch.length === 1) batch[0]?.reject(error);
        else {
          for (const entry of batch) await run('nft', ['-f', '-'], `${entry.script}\n`).then(entry.resolve, entry.reject);
        }
      }
    }
    this.#busy = false;
  }

  async deleteTable(table: string): Promise<void> {
    await this.apply(`table inet ${table}\ndelete table inet ${table}`);
  }
}
