import { RefreshCw } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Host } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { Button } from '../../ui/Button.tsx';
import { ErrorPanel } from '../../ui/Panels.tsx';

/** Why a host can't be used now, and what to do. Nothing for hosts that are well. */
export function HostTrouble({ host, named }: { host: Host; named?: boolean }) {
  const { t } = useTranslation();
  const { state } = host;
  if (state.status !== 'failed' && state.status !== 'reconnecting') return null;
  const title = t(`hostError.${state.error.code}`);
  return (
    <ErrorPanel
      tone={state.status === 'failed' ? 'failed' : 'attention'}
      title={named ? `${host.name}: ${title}` : title}
      message={state.error.message}
      remedy={t(`hostRemedy.${state.error.code}`)}
      {...(state.error.detail ? { detail: state.error.detail } : {})}
    >
      <Button icon={RefreshCw} onClick={() => void gantry().hosts.reconnect(host.id)}>
        {t('hosts.reconnect')}
      </Button>
    </ErrorPanel>
  );
}
