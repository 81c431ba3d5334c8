import { useQuery } from '@tanstack/react-query';
import type { Settings } from '../../electron/ipc/contract.ts';
import { gantry } from './bridge.ts';
import { queryClient } from './client.ts';

export const defaults: Settings = {
  theme: 'system',
  language: 'system',
  density: 'normal',
  terminalFontSize: 13,
  selectedHost: 'all',
  railFolded: false,
};

export function useSettings(): Settings {
  return useQuery({ queryKey: ['settings'], queryFn: () => gantry().settings.get() }).data ?? defaults;
}

export function currentSettings(): Settings {
  return queryClient.getQueryData<Settings>(['settings']) ?? defaults;
}

/** Shown at once, saved by the main process. */
export function changeSettings(change: Partial<Settings>): void {
  queryClient.setQueryData<Settings>(['settings'], (now) => ({ ...(now ?? defaults), ...change }));
  void gantry().settings.set(change);
}

/** A remembered value of the screen (a pane's width), kept under `ui.` in the settings. */
export function useRemembered(name: string, fallback: number): [number, (value: number) => void] {
  const value = useSettings()[`ui.${name}`];
  return [typeof value === 'number' ? value : fallback, (next) => changeSettings({ [`ui.${name}`]: next })];
}

/** The theme that is on the screen. */
export function resolveTheme(theme: Settings['theme']): 'light' | 'dark' {
  if (theme !== 'system') return theme;
  return window.matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}
