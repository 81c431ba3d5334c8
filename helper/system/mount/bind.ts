import { MS, mount } from '../syscall/index.ts';

/** `source` also at `target`; with `recursive` what is mounted below it too. */
export function bindMount(source: string, target: string, options: { recursive?: boolean; readonly?: boolean } = {}): void {
  mount(source, target, null, MS.BIND | (options.recursive ? MS.REC : 0));
  if (options.readonly) mount(null, target, null, MS.BIND | MS.REMOUNT | MS.RDONLY);
}
