import { RotateCw, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Tunnel } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { useHosts } from '../../lib/queries.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { TunnelAddress } from './TunnelAddress.tsx';
import './tunnels.css';
import { reopenTunnel, troubleText } from './tunnels.ts';

/** Where each leads, where it begins, and what is wrong with it. */
export function TunnelList({ tunnels }: { tunnels: Tunnel[] }) {
  const { t } = useTranslation();
  const hosts = useHosts();
  const byName = [...tunnels].sort(
    (a, b) => a.containerName.localeCompare(b.containerName, undefined, { numeric: true }) || a.port - b.port,
  );
  return (
    <ul className="tunnels" data-testid="tunnels">
      {byName.map((tunnel) => {
        const host = hosts.find(({ id }) => id === tunnel.hostId);
        const target = `${tunnel.containerName}:${tunnel.port}`;
        return (
          <li key={tunnel.id} className={`tunnel ${tunnel.state}`} data-testid={`tunnel-${tunnel.containerName}-${tunnel.port}`}>
            <span className="host-dot" style={{ background: `var(--host-${host?.colour ?? 'grey'})` }} aria-hidden />
            <span className="tunnel-target">
              <span className="mono truncate">
                <bdi>{tunnel.containerName}</bdi>:{tunnel.port}
              </span>
              <span className="dim truncate">{host?.name}</span>
            </span>
            {tunnel.state === 'open' ? (
              <TunnelAddress tunnel={tunnel} />
            ) : (
              <>
                <span className="dim">{t('tunnel.closed')}</span>
                <Button
                  icon={RotateCw}
                  disabled={host?.state.status !== 'connected'}
                  data-testid={`tunnel-again-${tunnel.port}`}
                  onClick={() => void reopenTunnel(tunnel)}
                >
                  {t('tunnel.again')}
                </Button>
              </>
            )}
            <IconButton
              small
              icon={X}
              name={t('tunnel.stopNamed', { name: target })}
              data-testid={`tunnel-stop-${tunnel.port}`}
              onClick={() => void gantry().tunnels.stop(tunnel.id)}
            />
            {tunnel.trouble && <p className="tunnel-trouble">{troubleText(tunnel.trouble)}</p>}
          </li>
        );
      })}
    </ul>
  );
}
