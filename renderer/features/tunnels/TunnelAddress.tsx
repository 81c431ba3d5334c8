import { ExternalLink } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Tunnel } from '../../../electron/ipc/contract.ts';
import { CopyButton } from '../../ui/Panels.tsx';
import { browse, tunnelAddress } from './tunnels.ts';

/** Where a tunnel begins: a click opens it in the browser. */
export function TunnelAddress({ tunnel }: { tunnel: Tunnel }) {
  const { t } = useTranslation();
  const address = tunnelAddress(tunnel);
  return (
    <span className="tunnel-address">
      <button
        type="button"
        className="chip"
        data-tip={t('tunnel.browse')}
        aria-label={t('port.open', { url: `http://${address}` })}
        data-testid={`tunnel-open-${tunnel.port}`}
        onClick={() => browse(tunnel)}
      >
        {address}
        <ExternalLink size={12} aria-hidden />
      </button>
      <CopyButton text={address} name={t('tunnel.copyAddress')} />
    </span>
  );
}
