import { FileKey, KeyRound, RefreshCw } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Host } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { openDialog } from '../../lib/screen.ts';
import { Button } from '../../ui/Button.tsx';
import { HostErrorPanel } from './HostErrorPanel.tsx';
import { needsUser } from './host-state.ts';

/** Why a host can't be used now, and what to do. Nothing for hosts that are well. */
export function HostTrouble({ host, named }: { host: Host; named?: boolean }) {
  const { t } = useTranslation();
  const { state } = host;
  if (state.status !== 'failed' && state.status !== 'reconnecting') return null;
  return (
    <HostErrorPanel error={state.error} tone={state.status === 'failed' ? 'failed' : 'attention'} host={host} named={named}>
      {needsUser(host) ? (
        <Button icon={KeyRound} data-testid={`sign-in-${host.id}`} onClick={() => openDialog({ type: 'sign-in', host: host.id })}>
          {t('hosts.signIn')}
        </Button>
      ) : (
        <Button icon={RefreshCw} onClick={() => void gantry().hosts.reconnect(host.id)}>
          {t('hosts.reconnect')}
        </Button>
      )}
      {host.kind === 'tcp' && state.error.code.startsWith('tls-') && (
        <Button icon={FileKey} data-testid={`certificates-${host.id}`} onClick={() => openDialog({ type: 'certificates', host: host.id })}>
          {t('certificates.menu')}
        </Button>
      )}
    </HostErrorPanel>
  );
}
