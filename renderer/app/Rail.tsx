import { ChevronsUpDown, PanelLeftClose, PanelLeftOpen, Plus, Search } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useBinHosts } from '../features/bin/index.ts';
import { hostTone } from '../features/hosts/index.ts';
import { DropHosts } from '../features/transfer/index.ts';
import { useHosts } from '../lib/queries.ts';
import { navigate, type Page, pages, useRoute } from '../lib/route.ts';
import { openDialog } from '../lib/screen.ts';
import { changeSettings, useSettings } from '../lib/settings.ts';
import { IconButton } from '../ui/Button.tsx';
import { Kbd } from '../ui/Kbd.tsx';
import { Menu, type MenuEntry } from '../ui/Menu.tsx';
import { pageIcons } from './pages.ts';
import './rail.css';

export function Rail({ folded }: { folded: boolean }) {
  const { t } = useTranslation();
  const route = useRoute();
  const hosts = useHosts();
  const hasBin = useBinHosts(hosts).length > 0;
  const troubled = hosts.filter((h) => h.state.status === 'failed' || h.state.status === 'reconnecting').length;
  const item = (page: Page) => {
    const Icon = pageIcons[page];
    return (
      <button
        key={page}
        type="button"
        className={`rail-item ${route.page === page ? 'current' : ''}`}
        aria-current={route.page === page ? 'page' : undefined}
        data-testid={`nav-${page}`}
        aria-label={t(`page.${page}`)}
        {...(folded
          ? { 'data-tip': t(`page.${page}`), 'data-keys': page === 'settings' ? 'Mod+,' : `Mod+${pages.indexOf(page) + 1}` }
          : {})}
        onClick={() => navigate({ page })}
      >
        <Icon size={16} strokeWidth={1.8} aria-hidden />
        {!folded && <span className="truncate">{t(`page.${page}`)}</span>}
        {page === 'hosts' && troubled > 0 && (
          <span className="rail-alert" role="img" aria-label={t('hosts.troubled', { count: troubled })} />
        )}
      </button>
    );
  };
  return (
    <nav className={`rail ${folded ? 'folded' : ''}`} aria-label={t('rail.label')}>
      <DropHosts />
      <HostSwitcher folded={folded} />
      <button
        type="button"
        className="rail-item rail-search"
        data-testid="open-palette"
        {...(folded ? { 'aria-label': t('palette.open'), 'data-tip': t('palette.open'), 'data-keys': 'Mod+K' } : {})}
        onClick={() => openDialog({ type: 'palette' })}
      >
        <Search size={16} strokeWidth={1.8} aria-hidden />
        {!folded && <span className="truncate">{t('palette.short')}</span>}
        {!folded && <Kbd keys="Mod+K" />}
      </button>
      <div className="rail-pages">{pages.filter((p) => p !== 'bin' && p !== 'settings').map(item)}</div>
      <span className="grow" />
      {hasBin && item('bin')}
      {item('settings')}
      <IconButton
        className="rail-fold"
        icon={folded ? PanelLeftOpen : PanelLeftClose}
        name={t(folded ? 'rail.unfold' : 'rail.fold')}
        onClick={() => changeSettings({ railFolded: !folded })}
      />
    </nav>
  );
}

/** All hosts, or one; each with its colour. */
function HostSwitcher({ folded }: { folded: boolean }) {
  const { t } = useTranslation();
  const hosts = useHosts();
  const { selectedHost } = useSettings();
  const chosen = hosts.find((h) => h.id === selectedHost);
  const name = chosen?.name ?? t('hosts.all');
  const entries: MenuEntry[] = [
    { id: 'host-all', label: t('hosts.all'), checked: !chosen, run: () => changeSettings({ selectedHost: 'all' }) },
    ...hosts.map((host) => ({
      id: `host-${host.id}`,
      label:
        host.state.status === 'connected'
          ? host.name
          : t('hosts.withState', { name: host.name, state: t(`hostState.${host.state.status}`) }),
      swatch: `var(--host-${host.colour})`,
      checked: chosen?.id === host.id,
      run: () => changeSettings({ selectedHost: host.id }),
    })),
    { id: 's1', separator: true },
    { id: 'host-add', label: `${t('hosts.add')}…`, icon: Plus, run: () => openDialog({ type: 'add-host' }) },
  ];
  return (
    <Menu
      align="start"
      entries={entries}
      trigger={
        <button type="button" className="host-switch" data-testid="host-switcher" aria-label={t('hosts.switch', { name })}>
          <span className="host-switch-dots" aria-hidden>
            {(chosen ? [chosen] : hosts.slice(0, 3)).map((host) => (
              <span key={host.id} className={`host-dot ${hostTone(host)}`} style={{ background: `var(--host-${host.colour})` }} />
            ))}
          </span>
          {!folded && <span className="truncate">{name}</span>}
          {!folded && <ChevronsUpDown size={14} aria-hidden />}
        </button>
      }
    />
  );
}
