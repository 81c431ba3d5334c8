import { Cable } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Tunnel } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { useHosts } from '../../lib/queries.ts';
import { Button } from '../../ui/Button.tsx';
import './tunnels.css';
import { reopenTunnel, useTunnels } from './tunnels.ts';

/** Tunnels that were open before a host was lost, or before the app ended: nothing opens by itself, the user is asked. */
export function TunnelOffers() {
  const { t } = useTranslation();
  const hosts = useHosts();
  const offered = useTunnels().filter((tunnel) => tunnel.offered);
  const again = async (tunnels: Tunnel[]) => {
    for (const tunnel of tunnels) await reopenTunnel(tunnel);
  };
  return hosts
    .filter(({ state }) => state.status === 'connected')
    .map((host) => {
      const mine = offered.filter(({ hostId }) => hostId === host.id);
      if (mine.length === 0) return null;
      const names = mine.map(({ containerName, port }) => `${containerName}:${port}`).join(', ');
      return (
        <div key={host.id} className="banner offer" role="status" data-testid={`tunnel-offer-${host.id}`}>
          <Cable size={14} aria-hidden />
          <span className="truncate" title={names}>
            <strong>{host.name}</strong> {t('tunnel.offer', { count: mine.length, names })}
          </span>
          <span className="grow" />
          <Button tone="ghost" onClick={() => void gantry().tunnels.notNow(host.id)}>
            {t('tunnel.notNow')}
          </Button>
          <Button data-testid="tunnel-offer-again" onClick={() => void again(mine)}>
            {t('tunnel.again')}
          </Button>
        </div>
      );
    });
}
