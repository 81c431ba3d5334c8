import { EllipsisVertical, Play, RotateCw, Trash2, Unplug, X } from 'lucide-react';
import { Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { EngineError } from '../../../lib/engine.ts';
import { useContainer, useHosts } from '../../../lib/queries.ts';
import { navigate, type Route } from '../../../lib/route.ts';
import { showLogsInDock } from '../../../lib/screen.ts';
import { IconButton } from '../../../ui/Button.tsx';
import { Menu } from '../../../ui/Menu.tsx';
import { EmptyState } from '../../../ui/Panels.tsx';
import { StopIcon } from '../../../ui/StopIcon.ts';
import { Tabs } from '../../../ui/Tabs.tsx';
import { LogView } from '../../logs/index.ts';
import { ContainerTerminals } from '../../terminal/index.ts';
import { PortsTab } from '../../tunnels/index.ts';
import { act, usePending } from '../actions.ts';
import { containerMenu, openContainer } from '../menu.ts';
import { PortChips } from '../PortChips.tsx';
import { removeContainers } from '../remove.ts';
import type { ContainerRow } from '../row.ts';
import { StateCell } from '../StateCell.tsx';
import { InspectTab } from './InspectTab.tsx';
import { WhyStopped } from './WhyStopped.tsx';

interface ContainerDetailProps {
  route: NonNullable<Route['detail']>;
  /** Undefined while the list loads, or when the container is gone. */
  row: ContainerRow | undefined;
  onRename: (row: ContainerRow) => void;
}

export function ContainerDetail({ route, row, onRename }: ContainerDetailProps) {
  const { t } = useTranslation();
  const hosts = useHosts();
  const connected = hosts.find((host) => host.id === route.host)?.state.status === 'connected';
  const inspect = useContainer(route.host, row?.id ?? route.id, connected);
  const busy = usePending((s) => (row ? s.pending.has(row.key) : false));
  const gone = !row && inspect.error instanceof EngineError && inspect.error.status === 404;
  const close = () => navigate({ page: 'containers' });
  const name = row?.name ?? inspect.data?.Name.replace(/^\//, '') ?? route.id;
  const tab = route.tab === 'terminal' || route.tab === 'ports' || route.tab === 'inspect' ? route.tab : 'logs';

  return (
    <>
      <header className="detail-head">
        <div className="detail-title">
          <h2 className="truncate" title={name} data-testid="detail-name">
            <bdi>{name}</bdi>
          </h2>
          {row && (
            <>
              <IconButton
                icon={row.running ? StopIcon : Play}
                name={t(row.running ? 'action.stop' : 'action.start')}
                disabled={busy}
                data-testid={row.running ? 'detail-stop' : 'detail-start'}
                onClick={() => void act(row.running ? 'stop' : 'start', [row])}
              />
              <IconButton
                icon={RotateCw}
                name={t('action.restart')}
                disabled={busy}
                data-testid="detail-restart"
                onClick={() => void act('restart', [row])}
              />
              <IconButton
                icon={Trash2}
                tone="danger"
                name={t('action.delete')}
                disabled={busy}
                data-testid="detail-delete"
                onClick={() =>
                  void removeContainers([row]).then((removed) => {
                    if (removed) close();
                  })
                }
              />
              <Menu
                trigger={<IconButton icon={EllipsisVertical} name={t('action.more')} data-testid="detail-menu" />}
                entries={containerMenu(row, onRename)}
              />
            </>
          )}
          <IconButton icon={X} name={t('action.close')} keys="Esc" data-testid="detail-close" onClick={close} />
        </div>
        {row && (
          <div className={`detail-facts ${connected ? '' : 'stale'}`}>
            <StateCell id={row.key} state={row.state} />
            <span className="mono dim truncate" title={row.image}>
              {row.image}
            </span>
            {hosts.length > 1 && (
              <span className="detail-host dim">
                <span className="host-dot" style={{ background: `var(--host-${row.host.colour})` }} aria-hidden />
                <span className="truncate">{row.host.name}</span>
              </span>
            )}
            <PortChips row={row} ports={row.ports.filter((p) => p.public)} />
          </div>
        )}
      </header>
      {gone ? (
        <EmptyState icon={Unplug} title={t('detail.gone', { name: route.id })} text={t('detail.goneText')} />
      ) : (
        <>
          {row && !row.running && inspect.data && <WhyStopped row={row} inspect={inspect.data} />}
          <Tabs
            label={t('detail.tabs')}
            value={tab}
            onChange={(next) => navigate({ page: 'containers', detail: { ...route, tab: next } }, { replace: true })}
            tabs={[
              {
                id: 'logs',
                label: t('tab.logs'),
                body: () =>
                  row && (
                    <Suspense>
                      <LogView
                        key={row.key}
                        host={row.host.id}
                        id={row.id}
                        name={row.name}
                        running={row.running}
                        onDock={() => {
                          showLogsInDock({ host: row.host.id, id: row.id, name: row.name });
                          openContainer(row, 'inspect', true);
                        }}
                      />
                    </Suspense>
                  ),
              },
              {
                id: 'terminal',
                label: t('tab.terminal'),
                body: () =>
                  row && <ContainerTerminals key={row.key} host={row.host.id} id={row.id} name={row.name} running={row.running} />,
              },
              {
                id: 'ports',
                label: t('tab.ports'),
                body: () =>
                  row && <PortsTab key={row.key} host={row.host} id={row.id} name={row.name} running={row.running} ports={row.ports} />,
              },
              {
                id: 'inspect',
                label: t('tab.inspect'),
                body: () => <InspectTab host={route.host} data={inspect.data} error={inspect.error} />,
              },
            ]}
          />
        </>
      )}
    </>
  );
}
