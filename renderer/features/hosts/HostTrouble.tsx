import { RefreshCw } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Host } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { Button } from '../../ui/Button.tsx';
import { ErrorPanel } from '../../ui/Panels.tsx';

const plainCodes = new Set<string>(['closed', 'permission', 'refused', 'socket-missing', 'timeout']);

/** Why a host can't be used now, and what to do. Nothing for hosts that are well. */
export function HostTrouble({ host, named }: { host: Host; named?: boolean }) {
  const { t } = useTranslation();
  const { state } = host;
  if (state.status !== 'failed' && state.status !== 'reconnecting') return null;
  const { code, message, detail } = state.error;
  const title = t(`hostError.${code}`);
  // The code's own sentence says it all, in the user's language; the message would add the place, which the hosts' page shows.
  const plain = host.socketPath !== undefined && plainCodes.has(code);
  return (
    <ErrorPanel
      tone={state.status === 'failed' ? 'failed' : 'attention'}
      title={named ? `${host.name}${t('colon')}${title}` : title}
      {...(!plain ? { message } : named ? { message: t('hostError.where', { path: host.socketPath }) } : {})}
      remedy={t(`hostRemedy.${code}`)}
      detail={detail || message}
    >
      <Button icon={RefreshCw} onClick={() => void gantry().hosts.reconnect(host.id)}>
        {t('hosts.reconnect')}
      </Button>
    </ErrorPanel>
  );
}
