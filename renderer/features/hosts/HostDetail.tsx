import { useQuery } from '@tanstack/react-query';
import { Boxes, EllipsisVertical, RefreshCw, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Host } from '../../../electron/ipc/contract.ts';
import type { SystemInfo } from '../../../helper/contract/docker.ts';
import { gantry } from '../../lib/bridge.ts';
import { keys } from '../../lib/client.ts';
import { engineJson } from '../../lib/engine.ts';
import { formatExact, formatMemory, formatSpan } from '../../lib/format.ts';
import { useNow } from '../../lib/now.ts';
import { navigate } from '../../lib/route.ts';
import { changeSettings } from '../../lib/settings.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { Menu, type MenuEntry } from '../../ui/Menu.tsx';
import { type Fact, Facts } from '../../ui/Panels.tsx';
import { StateBadge } from '../../ui/StateBadge.tsx';
import { TunnelList, useTunnels } from '../tunnels/index.ts';
import { HostTrouble } from './HostTrouble.tsx';
import { hostTone } from './host-state.ts';

/** One host: how it is reached, what answers there, what the machine is. The last that was known stays while it is away. */
export function HostDetail({ host, menu }: { host: Host; menu: MenuEntry[] }) {
  const { t } = useTranslation();
  const now = useNow();
  const tunnels = useTunnels().filter(({ hostId }) => hostId === host.id);
  const { state } = host;
  const connected = state.status === 'connected';
  const { data: info } = useQuery({
    queryKey: keys.info(host.id),
    queryFn: ({ signal }) => engineJson<SystemInfo>(host.id, '/info', { signal }),
    enabled: connected,
    retry: false,
  });
  const engine = connected || state.status === 'reconnecting' ? state.engine : undefined;
  const mono = (text: string) => <span className="mono">{text}</span>;
  const reached: Fact[] = [
    { label: t('host.kind'), value: t(`hostKind.${host.kind}`) },
    ...(host.address ? [{ label: t('host.address'), value: mono(host.address), copy: host.address }] : []),
    ...(host.socketPath ? [{ label: t('host.socket'), value: mono(host.socketPath), copy: host.socketPath }] : []),
    ...(connected
      ? [{ label: t('host.since'), value: <span data-tip={formatExact(state.since)}>{formatSpan(Math.max(0, now - state.since))}</span> }]
      : []),
  ];
  const answers: Fact[] = [
    ...(engine
      ? [
          { label: t('host.engine'), value: `${engine.product} ${engine.version}` },
          { label: 'API', value: engine.apiVersion },
        ]
      : []),
    ...(info
      ? [
          { label: t('host.containers'), value: t('host.containersOf', { running: info.ContainersRunning, count: info.Containers }) },
          { label: t('host.images'), value: String(info.Images) },
          { label: t('host.storage'), value: mono(`${info.Driver} · ${info.DockerRootDir}`) },
          { label: 'cgroup', value: mono(`${info.CgroupDriver}, v${info.CgroupVersion ?? '1'}`) },
        ]
      : []),
  ];
  const machine: Fact[] = info
    ? [
        { label: t('host.name'), value: info.Name },
        { label: t('host.system'), value: info.OperatingSystem },
        { label: t('host.kernel'), value: mono(`${info.KernelVersion} ${info.Architecture}`) },
        { label: 'CPU', value: String(info.NCPU) },
        { label: t('host.memory'), value: formatMemory(info.MemTotal) },
      ]
    : [];
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
        <StateBadge tone={hostTone(host)} text={t(`hostState.${state.status}`)} busy={state.status === 'connecting'} />
      </header>
      <div className="host-detail">
        <div className="flush">
          <HostTrouble host={host} />
        </div>
        <div className={connected ? undefined : 'stale'}>
          <Facts facts={reached} />
          {answers.length > 0 && <h3>{t('host.engine')}</h3>}
          <Facts facts={answers} />
          {machine.length > 0 && <h3>{t('host.machine')}</h3>}
          <Facts facts={machine} />
        </div>
        {tunnels.length > 0 && (
          <>
            <h3>{t('tunnel.title')}</h3>
            <TunnelList tunnels={tunnels} />
          </>
        )}
      </div>
    </>
  );
}
