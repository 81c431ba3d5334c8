import { create } from 'zustand';
import type { TransferSource } from '../../electron/ipc/contract.ts';

/** A container as dialogs and the dock name it. */
export interface ContainerRef {
  host: string;
  id: string;
  name: string;
}

export type DialogRequest =
  | { type: 'run'; host?: string; image?: string; line?: string }
  | { type: 'pull'; host?: string; reference?: string; activity?: string }
  | { type: 'create-volume'; host?: string }
  | { type: 'create-network'; host?: string }
  | { type: 'connect-network'; host: string; network: string }
  | { type: 'add-host' }
  | { type: 'sign-in'; host: string }
  | { type: 'certificates'; host: string }
  | { type: 'install'; host: string; action: 'install' | 'upgrade' | 'uninstall' }
  | { type: 'transfer'; source: TransferSource; move: boolean; to?: string }
  | { type: 'transfer'; activity: string }
  | { type: 'transfer-many'; sources: TransferSource[]; move: boolean; to?: string }
  | { type: 'transfer-many'; batch: string }
  | { type: 'palette' }
  | { type: 'shortcuts' };

/** What is only about the screen: which floats are open, what the dock shows. */
interface Screen {
  dialog: DialogRequest | null;
  dockOpen: boolean;
  /** `t:ID` a terminal, `l:HOST/ID` logs. */
  dockTab: string | null;
  dockLogs: ContainerRef[];
  filters: Record<string, string>;
  collapsed: ReadonlySet<string>;
}

export const useScreen = create<Screen>(() => ({
  dialog: null,
  dockOpen: false,
  dockTab: null,
  dockLogs: [],
  filters: {},
  collapsed: new Set(),
}));

export function openDialog(dialog: DialogRequest): void {
  useScreen.setState({ dialog });
}
export function closeDialog(): void {
  useScreen.setState({ dialog: null });
}
export function setFilter(page: string, text: string): void {
  useScreen.setState(({ filters }) => ({ filters: { ...filters, [page]: text } }));
}
export function toggleGroup(key: string, collapse?: boolean): void {
  useScreen.setState(({ collapsed }) => {
    const next = new Set(collapsed);
    if (collapse ?? !next.has(key)) next.add(key);
    else next.delete(key);
    return { collapsed: next };
  });
}
export function toggleDock(): void {
  useScreen.setState(({ dockOpen }) => ({ dockOpen: !dockOpen }));
}
export function showTerminalInDock(id: string): void {
  useScreen.setState({ dockOpen: true, dockTab: `t:${id}` });
}
export function showLogsInDock(container: ContainerRef): void {
  const key = `${container.host}/${container.id}`;
  useScreen.setState(({ dockLogs }) => ({
    dockOpen: true,
    dockTab: `l:${key}`,
    dockLogs: dockLogs.some((c) => `${c.host}/${c.id}` === key) ? dockLogs : [...dockLogs, container],
  }));
}
export function closeDockLogs(key: string): void {
  useScreen.setState(({ dockLogs, dockTab }) => ({
    dockLogs: dockLogs.filter((c) => `${c.host}/${c.id}` !== key),
    dockTab: dockTab === `l:${key}` ? null : dockTab,
  }));
}
