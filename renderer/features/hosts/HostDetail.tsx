import { useQuery } from '@tanstack/react-query';
import { Boxes, EllipsisVertical, RefreshCw, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Host } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { navigate } from '../../lib/route.ts';
import { changeSettings } from '../../lib/settings.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { Menu, type MenuEntry } from '../../ui/Menu.tsx';
import { StateBadge } from '../../ui/StateBadge.tsx';
import { Tabs } from '../../ui/Tabs.tsx';
import { HostShells } from '../terminal/index.ts';
import { HostOverview } from './HostOverview.tsx';
import { hostTone } from './host-state.ts';

/** One host: an overview, and a shell on its machine. */
export function HostDetail({ host, tab, menu }: { host: Host; tab: string | undefined; menu: MenuEntry[] }) {
  const { t } = useTranslation();
  const { state } = host;
  const platform = useQuery({ queryKey: ['app'], queryFn: () => gantry().app.info() }).data?.platform;
  const hasShell = host.kind === 'ssh' || (platform === 'linux' && (host.kind === 'local' || host.kind === 'socket'));
  const overview = { id: 'about', label: t('host.overview'), body: () => <HostOverview key={host.id} host={host} /> };
  const shells = { id: 'shell', label: t('tab.terminal'), body: () => <HostShells key={host.id} host={host} /> };
  return (
    <>
      <header className="detail-head">
        <div className="detail-title">
          <h2 className="truncate">{host.name}</h2>
          <Button
            icon={Boxes}
            data-testid="host-containers"
            onClick={() => {
              changeSettings({ selectedHost: host.id });
              navigate({ page: 'containers' });
            }}
          >
            {t('page.containers')}
          </Button>
          <IconButton
            icon={RefreshCw}
            name={t('hosts.reconnect')}
            data-testid="host-reconnect"
            onClick={() => void gantry().hosts.reconnect(host.id)}
          />
          <Menu trigger={<IconButton icon={EllipsisVertical} name={t('action.more')} />} entries={menu} />
          <IconButton icon={X} name={t('action.close')} keys="Esc" onClick={() => navigate({ page: 'hosts' })} />
        </div>
        <div className="detail-facts">
          <StateBadge tone={hostTone(host)} text={t(`hostState.${state.status}`)} busy={state.status === 'connecting'} />
          {host.production && <span className="tag host-production">{t('marks.productionTag')}</span>}
          {host.readOnly && <span className="tag">{t('marks.readOnlyTag')}</span>}
        </div>
      </header>
      <Tabs
        label={t('detail.tabs')}
        value={tab === 'shell' && hasShell ? 'shell' : 'about'}
        onChange={(next) => navigate({ page: 'hosts', detail: { host: host.id, id: 'about', tab: next } }, { replace: true })}
        tabs={hasShell ? [overview, shells] : [overview]}
      />
    </>
  );
}
