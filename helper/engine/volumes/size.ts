import { askTree } from '../../store/tree/ask.ts';

/** Bytes of the files below `folder`, hard links counted once, folders not counted (as dockerd does); -1 when unreadable. */
export function sizeOf(folder: string): Promise<number> {
  return askTree('measure', { folder, own: [] }).catch(() => -1);
}
