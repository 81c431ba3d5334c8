import { create } from 'zustand';

/** The rows of a page that are being deleted, by their keys: a hook for those who show it, and what says it. */
export function leavingRows() {
  const useLeaving = create<{ leaving: ReadonlySet<string> }>(() => ({ leaving: new Set() }));
  const setLeaving = (key: string, on: boolean): void =>
    useLeaving.setState(({ leaving }) => ({ leaving: new Set([...leaving].filter((other) => other !== key).concat(on ? key : [])) }));
  return { useLeaving, setLeaving };
}
