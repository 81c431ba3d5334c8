import { useQuery } from '@tanstack/react-query';
import type { TerminalInfo } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { explain } from '../../lib/explain.ts';
import { tr } from '../../lib/i18n.ts';
import { toast } from '../../lib/toast.ts';

/** All terminals of the main process; lib/live.ts keeps them fresh. */
export function useTerminals(): TerminalInfo[] {
  return useQuery({ queryKey: ['terminals'], queryFn: () => gantry().terminals.list() }).data ?? [];
}

/** A new shell in a container, or its own first process. Told as a toast when it fails. */
export function openTerminal(
  container: { host: string; id: string; name: string },
  mode: 'exec' | 'attach',
): Promise<TerminalInfo | undefined> {
  const { host: hostId, id: containerId, name: containerName } = container;
  return opened(containerName, () => gantry().terminals.open({ hostId, containerId, containerName, mode, ...firstSize }));
}

/** A new shell on a host's machine. Told as a toast when it fails. */
export function openHostShell({ id: hostId, name }: { id: string; name: string }): Promise<TerminalInfo | undefined> {
  return opened(name, () => gantry().terminals.openOnHost({ hostId, ...firstSize }));
}

/** Until a view has measured itself. */
const firstSize = { cols: 100, rows: 28 };

async function opened(name: string, open: () => Promise<TerminalInfo>): Promise<TerminalInfo | undefined> {
  try {
    return await open();
  } catch (error) {
    const { message, remedy } = explain(error);
    toast({
      tone: 'error',
      title: tr('terminal.failed', { name }),
      text: remedy ? `${message}\n${remedy}` : message,
      detail: message,
    });
    return undefined;
  }
}
