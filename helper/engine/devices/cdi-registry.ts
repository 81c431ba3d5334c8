import { promises as fs } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../failure.ts';
import { type CdiEdits, type CdiSpec, parseCdiSpec } from './cdi-spec.ts';

/** A device that containers can be given. */
export interface CdiDevice {
  /** Each of its file's devices has the edits of the file, too, once for all of them. */
  spec: CdiSpec;
  edits: CdiEdits;
  file: string;
  /** Place of its folder in the list: later ones come first. */
  priority: number;
}

/** What the folders have, by `vendor/class=name`, and what is wrong in them. */
export interface CdiDevices {
  devices: Map<string, CdiDevice>;
  errors: { file: string; message: string }[];
}

type Read = { spec: CdiSpec } | { error: string };

/** Reads CDI spec files, each anew only when it has changed. */
export class CdiRegistry {
  #read = new Map<string, { version: string; result: Promise<Read> }>();

  /** @param folders in the order of their precedence, the last one first; those that are missing have none */
  async list(folders: readonly string[]): Promise<CdiDevices> {
    const found: CdiDevices = { devices: new Map(), errors: [] };
    const conflicts = new Set<string>();
    const seen = new Set<string>();
    for (const [priority, folder] of folders.entries()) {
      for (const file of await specFiles(folder)) {
        seen.add(file);
        const read = await this.#readOnce(file);
        if ('error' in read) found.errors.push({ file, message: `failed to load CDI Spec ${read.error}` });
        else add(found, conflicts, read.spec, file, priority);
      }
    }
    for (const name of conflicts) found.devices.delete(name);
    for (const file of this.#read.keys()) if (!seen.has(file)) this.#read.delete(file);
    return found;
  }

  async #readOnce(file: string): Promise<Read> {
    try {
      const { mtimeNs, size, ino } = await fs.stat(file, { bigint: true });
      const version = `${ino} ${size} ${mtimeNs}`;
      const before = this.#read.get(file);
      if (before?.version === version) return await before.result;
      const result = fs
        .readFile(file, 'utf8')
        .then(parseCdiSpec)
        .then(
          (spec): Read => ({ spec }),
          (error): Read => ({ error: `"${file}": ${messageOf(error)}` }),
        );
      this.#read.set(file, { version, result });
      return await result;
    } catch (error) {
      return { error: `"${file}": ${messageOf(error)}` };
    }
  }
}

async function specFiles(folder: string): Promise<string[]> {
  const entries = await fs.readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory() && /\.(json|yaml)$/.test(entry.name))
    .map(({ name }) => path.join(folder, name))
    .sort();
}

/** Of two files in one folder neither may have the device; one in a later folder has it. */
function add({ devices, errors }: CdiDevices, conflicts: Set<string>, spec: CdiSpec, file: string, priority: number): void {
  for (const { name, containerEdits: edits } of spec.devices) {
    const qualified = `${spec.kind}=${name}`;
    const other = devices.get(qualified);
    if (other?.priority === priority) {
      conflicts.add(qualified);
      const message = `conflicting device "${qualified}" (specs "${file}", "${other.file}")`;
      errors.push({ file, message }, { file: other.file, message });
    } else {
      conflicts.delete(qualified);
      devices.set(qualified, { spec, edits, file, priority });
    }
  }
}
