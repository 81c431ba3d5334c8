import { useQuery } from '@tanstack/react-query';
import type { OpenedTunnel, Tunnel, TunnelTrouble } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { tr } from '../../lib/i18n.ts';
import type { ContainerRef } from '../../lib/screen.ts';
import { toast } from '../../lib/toast.ts';

/** All tunnels of the main process; lib/live.ts keeps them fresh. */
export function useTunnels(): Tunnel[] {
  return useQuery({ queryKey: ['tunnels'], queryFn: () => gantry().tunnels.list() }).data ?? [];
}

export const tunnelAddress = ({ localPort }: Tunnel) => `localhost:${localPort}`;

export function browse(tunnel: Tunnel): void {
  void gantry().shell.openExternal(`http://${tunnelAddress(tunnel)}`);
}

export function troubleText({ code, values }: TunnelTrouble): string {
  return tr(`tunnel.trouble.${code}`, values);
}

/**
 * A tunnel to a container's port; says where it begins, or why there is none.
 *
 * @param quiet the place that asked shows the address itself
 */
export function openTunnel({ host, id, name }: ContainerRef, port: number, quiet = false): Promise<void> {
  return told({ name, port, quiet }, () => gantry().tunnels.open({ hostId: host, containerId: id, containerName: name, port }));
}

export function reopenTunnel({ id, containerName, port }: Tunnel): Promise<void> {
  return told({ name: containerName, port, quiet: true }, () => gantry().tunnels.reopen(id));
}

async function told(
  { name, port, quiet }: { name: string; port: number; quiet: boolean },
  open: () => Promise<OpenedTunnel>,
): Promise<void> {
  const title = tr('tunnel.failed', { name, port });
  try {
    const result = await open();
    if ('trouble' in result) {
      const { trouble } = result;
      const text = trouble.code === 'unknown' ? trouble.message : troubleText(trouble);
      toast({ tone: 'error', title, text, detail: trouble.message });
      return;
    }
    if (quiet) return;
    const { tunnel } = result;
    toast({
      tone: tunnel.trouble ? 'info' : 'success',
      title: tr('tunnel.opened', { address: tunnelAddress(tunnel), name, port }),
      ...(tunnel.trouble && { text: troubleText(tunnel.trouble) }),
      action: { label: tr('tunnel.browse'), run: () => browse(tunnel) },
    });
  } catch (error) {
    toast({ tone: 'error', title, text: error instanceof Error ? error.message : String(error) });
  }
}
