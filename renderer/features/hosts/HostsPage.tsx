import {
  ArrowUpCircle,
  Download,
  EllipsisVertical,
  FileKey,
  KeyRound,
  PackageX,
  Pencil,
  Plus,
  RefreshCw,
  Server,
  SquareTerminal,
  Trash2,
} from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Host, HostChange } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { ask } from '../../lib/confirm.ts';
import { explain } from '../../lib/explain.ts';
import { useHosts } from '../../lib/queries.ts';
import { navigate, useRoute } from '../../lib/route.ts';
import { openDialog } from '../../lib/screen.ts';
import { toast } from '../../lib/toast.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { Menu, type MenuEntry } from '../../ui/Menu.tsx';
import { Page } from '../../ui/Page.tsx';
import { EmptyState } from '../../ui/Panels.tsx';
import { StateBadge } from '../../ui/StateBadge.tsx';
import { HostDetail } from './HostDetail.tsx';
import './hosts.css';
import { HostNameDialog } from './HostNameDialog.tsx';
import { HostTrouble } from './HostTrouble.tsx';
import { hostColours, hostKind, hostTone, needsUser } from './host-state.ts';

async function tell(work: Promise<unknown>, title: string): Promise<void> {
  try {
    await work;
  } catch (error) {
    toast({ tone: 'error', title, text: explain(error).message });
  }
}

/** Our own engine: set up as a service on this machine, upgraded and taken away where it is. */
function installMenu(host: Host, t: (key: string) => string): MenuEntry[] {
  const { state } = host;
  const isOurs = state.status === 'connected' && state.engine.product === 'Gantry';
  if (host.kind !== 'local' && !(host.kind === 'ssh' && isOurs)) return [];
  const entry = (action: 'install' | 'upgrade' | 'uninstall') => ({
    id: action,
    label: t(`install.menu.${action}`),
    icon: { install: Download, upgrade: ArrowUpCircle, uninstall: PackageX }[action],
    disabled: host.readOnly === true,
    run: () => openDialog({ type: 'install', host: host.id, action }),
  });
  return [{ id: 's-install', separator: true }, ...(host.kind === 'local' ? [entry('install')] : []), entry('upgrade'), entry('uninstall')];
}

export function HostsPage() {
  const { t } = useTranslation();
  const hosts = useHosts();
  const [renaming, setRenaming] = useState<Host | null>(null);
  const { detail } = useRoute();
  const shown = hosts.find((h) => h.id === detail?.host);
  const connected = hosts.filter((h) => h.state.status === 'connected').length;

  const remove = async (host: Host) => {
    const answer = await ask({
      title: t('hosts.removeTitle', { name: host.name }),
      text: t('hosts.removeText'),
      verb: t('hosts.remove'),
      danger: true,
    });
    if (!answer.yes) return;
    if (shown?.id === host.id) navigate({ page: 'hosts' }, { replace: true });
    await tell(gantry().hosts.remove(host.id), t('hosts.removeFailed', { name: host.name }));
  };
  const mark = (host: Host, change: HostChange) =>
    void tell(gantry().hosts.update(host.id, change), t('hosts.changeFailed', { name: host.name }));
  const reconnect = (host: Host) => void tell(gantry().hosts.reconnect(host.id), t('hosts.connectFailed', { name: host.name }));
  const menu = (host: Host): MenuEntry[] => [
    ...(needsUser(host)
      ? [{ id: 'sign-in', label: t('hosts.signIn'), icon: KeyRound, run: () => openDialog({ type: 'sign-in', host: host.id }) }]
      : [{ id: 'reconnect', label: t('hosts.reconnect'), icon: RefreshCw, run: () => reconnect(host) }]),
    // Over TCP there is only the engine.
    ...(host.kind === 'tcp'
      ? [
          {
            id: 'certificates',
            label: t('certificates.menu'),
            icon: FileKey,
            run: () => openDialog({ type: 'certificates', host: host.id }),
          },
        ]
      : [
          {
            id: 'shell',
            label: t('hosts.shell'),
            icon: SquareTerminal,
            disabled: host.readOnly === true,
            run: () => navigate({ page: 'hosts', detail: { host: host.id, id: 'about', tab: 'shell' } }),
          },
        ]),
    { id: 'rename', label: t('action.rename'), icon: Pencil, run: () => setRenaming(host) },
    { id: 's1', separator: true },
    { id: 'colour', heading: t('hosts.colour') },
    ...hostColours.map((colour) => ({
      id: `colour-${colour}`,
      label: t(`colour.${colour}`),
      swatch: `var(--host-${colour})`,
      checked: host.colour === colour,
      run: () => mark(host, { colour }),
    })),
    { id: 's-marks', separator: true },
    { id: 'marks', heading: t('marks.heading') },
    { id: 'read-only', label: t('marks.readOnly'), checked: host.readOnly === true, run: () => mark(host, { readOnly: !host.readOnly }) },
    {
      id: 'production',
      label: t('marks.production'),
      checked: host.production === true,
      run: () => mark(host, { production: !host.production }),
    },
    ...installMenu(host, t),
    { id: 's2', separator: true },
    {
      id: 'remove',
      label: `${t('hosts.remove')}…`,
      icon: Trash2,
      danger: true,
      disabled: host.kind === 'local',
      run: () => void remove(host),
    },
  ];

  return (
    <Page
      title={t('page.hosts')}
      summary={t('hosts.summary', { connected, count: hosts.length })}
      action={
        <Button tone="primary" icon={Plus} data-testid="add-host" onClick={() => openDialog({ type: 'add-host' })}>
          {t('hosts.add')}
        </Button>
      }
      detailName="hosts"
      detail={shown && <HostDetail host={shown} tab={detail?.tab} menu={menu(shown)} />}
    >
      <ul className="hosts">
        {hosts.map((host) => {
          const { state } = host;
          const engine = state.status === 'connected' || state.status === 'reconnecting' ? state.engine : undefined;
          return (
            <li key={host.id} className="host" data-testid={`host-${host.id}`}>
              <span className="host-stripe" style={{ background: `var(--host-${host.colour})` }} aria-hidden />
              <div className="host-main">
                <div className="host-line">
                  <Server size={16} strokeWidth={1.7} aria-hidden />
                  <div className="host-title">
                    <button
                      type="button"
                      className="host-name truncate"
                      aria-current={shown?.id === host.id || undefined}
                      data-testid={`host-open-${host.id}`}
                      onClick={() => navigate({ page: 'hosts', detail: { host: host.id, id: 'about' } })}
                    >
                      {host.name}
                    </button>
                    <StateBadge tone={hostTone(host)} text={t(`hostState.${state.status}`)} busy={state.status === 'connecting'} />
                    {host.production && <span className="tag host-production">{t('marks.productionTag')}</span>}
                    {host.readOnly && <span className="tag">{t('marks.readOnlyTag')}</span>}
                  </div>
                  <Menu
                    trigger={
                      <IconButton icon={EllipsisVertical} name={`${t('action.more')} ${host.name}`} data-testid={`host-menu-${host.id}`} />
                    }
                    entries={menu(host)}
                  />
                </div>
                <div className="host-facts dim">
                  <span>{t(`hostKind.${hostKind(host)}`)}</span>
                  {engine && <span className="num">{`${engine.product} ${engine.version}`}</span>}
                  {engine && <span className="num">{`API ${engine.apiVersion}`}</span>}
                  {engine && <span>{`${engine.os}/${engine.arch}`}</span>}
                  {host.address && <span className="mono truncate">{host.address}</span>}
                  {host.socketPath && <span className="mono truncate">{host.socketPath}</span>}
                </div>
                <div className="flush">
                  <HostTrouble host={host} />
                </div>
              </div>
            </li>
          );
        })}
      </ul>
      {hosts.length === 0 && (
        <EmptyState icon={Server} title={t('hosts.empty')} text={t('hosts.emptyText')}>
          <Button tone="primary" icon={Plus} onClick={() => openDialog({ type: 'add-host' })}>
            {t('hosts.add')}
          </Button>
        </EmptyState>
      )}
      {renaming && <HostNameDialog host={renaming} onClose={() => setRenaming(null)} />}
    </Page>
  );
}
