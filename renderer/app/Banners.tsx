import { RefreshCw, Unplug } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { gantry } from '../lib/bridge.ts';
import { keys, queryClient } from '../lib/client.ts';
import { useNow } from '../lib/now.ts';
import { useShownHosts } from '../lib/queries.ts';
import { navigate, useRoute } from '../lib/route.ts';
import { Button } from '../ui/Button.tsx';

/** A host that is gone for now: what is on the screen stays, and is said to be old. */
export function Banners() {
  const { t } = useTranslation();
  useNow();
  const { page } = useRoute();
  const shown = useShownHosts();
  const hosts = shown.filter((h) => h.state.status === 'reconnecting' || h.state.status === 'failed');
  // These pages say more about each of them: the one of the hosts, and the lists while they have nothing else to show.
  if (page === 'hosts') return null;
  const list = page === 'images' ? keys.images : page === 'volumes' ? keys.volumes : keys.containers;
  if (page !== 'settings' && shown.every((h) => queryClient.getQueryData(list(h.id)) === undefined)) return null;
  return hosts.map((host) => {
    const { state } = host;
    if (state.status !== 'reconnecting' && state.status !== 'failed') return null;
    return (
      <div key={host.id} className={`banner ${state.status}`} role="status" data-testid={`banner-${host.id}`}>
        {state.status === 'reconnecting' ? <RefreshCw size={14} aria-hidden /> : <Unplug size={14} aria-hidden />}
        <span className="banner-text">
          <strong>{host.name}</strong>
          {state.status === 'reconnecting'
            ? ` ${t('banner.reconnecting')}`
            : `${t('colon')}${t(`hostError.${state.error.code}`, { ...state.error.values })}`}
        </span>
        <span className="grow" />
        {state.status === 'failed' && (
          <Button tone="ghost" onClick={() => navigate({ page: 'hosts' })}>
            {t('banner.details')}
          </Button>
        )}
        <Button onClick={() => void gantry().hosts.reconnect(host.id)}>{t('banner.now')}</Button>
      </div>
    );
  });
}
