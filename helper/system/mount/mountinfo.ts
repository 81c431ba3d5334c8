import { promises as fs } from 'node:fs';

export interface MountEntry {
  id: number;
  /** Of the mount that it lies on. */
  parent: number;
  target: string;
  type: string;
  source: string;
  options: string;
  superOptions: string;
  /** Peer group number when the mount is shared. */
  shared: number | undefined;
  /** Whether it takes over what is mounted in a group that it is not in. */
  slave: boolean;
}

/** Source: proc(5), /proc/pid/mountinfo. Names are unescaped (`\040` is a space). */
export function parseMountInfo(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    // The first one ends the optional fields; a source may be called `-` as well.
    const end = line.indexOf(' - ');
    if (end < 0) continue;
    const fields = line.slice(0, end).split(' ');
    const [type = '', source = '', superOptions = ''] = line.slice(end + 3).split(' ');
    const optional = fields.slice(6);
    const shared = optional.find((field) => field.startsWith('shared:'));
    entries.push({
      id: Number(fields[0]),
      parent: Number(fields[1]),
      target: unescapeOctal(fields[4] ?? ''),
      type,
      source: unescapeOctal(source),
      options: fields[5] ?? '',
      superOptions,
      shared: shared ? Number(shared.slice('shared:'.length)) : undefined,
      slave: optional.some((field) => field.startsWith('master:')),
    });
  }
  return entries;
}

export async function mounts(): Promise<MountEntry[]> {
  return parseMountInfo(await fs.readFile('/proc/self/mountinfo', 'utf8'));
}

/** The mount that `file` lies on: the one with the longest target above it, the last of equals. */
export function mountOf(file: string, entries: MountEntry[]): MountEntry | undefined {
  let best: MountEntry | undefined;
  for (const entry of entries) {
    const above = entry.target === '/' || file === entry.target || file.startsWith(`${entry.target}/`);
    if (above && entry.target.length >= (best?.target.length ?? 0)) best = entry;
  }
  return best;
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
