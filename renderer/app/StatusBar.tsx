import { PanelBottom } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Activities } from '../features/activity/index.ts';
import { hostTone } from '../features/hosts/index.ts';
import { TunnelStatus } from '../features/tunnels/index.ts';
import { useShownHosts } from '../lib/queries.ts';
import { navigate } from '../lib/route.ts';
import { toggleDock, useScreen } from '../lib/screen.ts';
import { StateBadge } from '../ui/StateBadge.tsx';

export function StatusBar() {
  const { t } = useTranslation();
  const hosts = useShownHosts();
  const dockOpen = useScreen((s) => s.dockOpen);
  const [only] = hosts;
  const connected = hosts.filter((h) => h.state.status === 'connected').length;
  return (
    <footer className="status" data-testid="status">
      <button type="button" className="status-item button-like" onClick={() => navigate({ page: 'hosts' })}>
        {hosts.length === 1 && only ? (
          <StateBadge tone={hostTone(only)} text={`${only.name} · ${t(`hostState.${only.state.status}`)}`} />
        ) : (
          <StateBadge
            tone={connected === hosts.length ? 'running' : 'attention'}
            text={t('status.hosts', { connected, count: hosts.length })}
          />
        )}
      </button>
      {hosts.length === 1 && only?.state.status === 'connected' && (
        <>
          <span className="status-item num">{`${only.state.engine.product} ${only.state.engine.version}`}</span>
          <span className="status-item num">{`API ${only.state.engine.apiVersion}`}</span>
        </>
      )}
      <span className="grow" />
      <Activities />
      <TunnelStatus />
      <button
        type="button"
        className="status-item button-like"
        aria-pressed={dockOpen}
        data-tip={t('dock.toggle')}
        data-keys="Mod+`"
        data-testid="toggle-dock"
        onClick={toggleDock}
      >
        <PanelBottom size={13} aria-hidden />
        {t('dock.title')}
      </button>
    </footer>
  );
}
