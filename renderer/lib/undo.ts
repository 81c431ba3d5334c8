import { tr } from './i18n.ts';
import { dismissToast, toast } from './toast.ts';

let last: (() => void) | undefined;

/** Says what was done, with a button that takes it back; Ctrl+Z does the same for the latest. */
export function offerUndo(title: string, undo: () => void): void {
  let undone = false;
  const once = () => {
    if (undone) return;
    undone = true;
    if (last === once) last = undefined;
    dismissToast(said);
    undo();
  };
  last = once;
  const said = toast({ tone: 'success', title, action: { label: tr('action.undo'), run: once } });
}

/** @returns whether there was something to undo */
export function undoLast(): boolean {
  if (!last) return false;
  last();
  return true;
}
