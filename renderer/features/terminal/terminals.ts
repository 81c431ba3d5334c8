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
export async function openTerminal(
  container: { host: string; id: string; name: string },
  mode: 'exec' | 'attach',
): Promise<TerminalInfo | undefined> {
  try {
    return await gantry().terminals.open({
      hostId: container.host,
      containerId: container.id,
      containerName: container.name,
      mode,
      cols: 100,
      rows: 28,
    });
  } catch (error) {
    const { message, remedy } = explain(error);
    toast({
      tone: 'error',
      title: tr('terminal.failed', { name: container.name }),
      text: remedy ? `${message}\n${remedy}` : message,
      detail: message,
    });
    return undefined;
  }
}
