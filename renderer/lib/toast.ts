import { create } from 'zustand';

export interface Toast {
  id: number;
  tone: 'info' | 'error' | 'success';
  title: string;
  /** What to do about it, or what the engine said. */
  text?: string;
  /** Raw, for copying. */
  detail?: string;
  action?: { label: string; run: () => void };
}

export const useToasts = create<{ toasts: Toast[] }>(() => ({ toasts: [] }));
let next = 1;

/** Says a past fact. At most four are on the screen. @returns for `dismissToast`, when it is past no more */
export function toast(message: Omit<Toast, 'id'>): number {
  const entry = { ...message, id: next++ };
  useToasts.setState(({ toasts }) => ({ toasts: [...toasts, entry].slice(-4) }));
  return entry.id;
}
export function dismissToast(id: number): void {
  useToasts.setState(({ toasts }) => ({ toasts: toasts.filter((t) => t.id !== id) }));
}
