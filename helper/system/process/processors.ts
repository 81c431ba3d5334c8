import os from 'node:os';

let count: number | undefined;

/** How many processors are online. Asked once: os.cpus() reads a page of text for each of them. */
export function processors(): number {
  count ??= os.cpus().length;
  return count;
}
