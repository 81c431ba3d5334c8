import { useQuery } from '@tanstack/react-query';
import { TriangleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Host, TcpSecurity } from '../../../electron/ipc/contract.ts';
import { formatExact, formatMemory, formatSize, formatSpan } from '../../lib/format.ts';
import { useNow } from '../../lib/now.ts';
import { type Fact, Facts, mono } from '../../ui/Panels.tsx';
import { TunnelList, useTunnels } from '../tunnels/index.ts';
import { HostTrouble } from './HostTrouble.tsx';
import { answerQuery, diskUsageQuery, infoQuery, versionQuery } from './host-queries.ts';
import { hostKind } from './host-state.ts';
import { MachineGauges } from './MachineGauges.tsx';
import { useMachine } from './useMachine.ts';

/** How a host is reached, what answers there and how well, what the machine is and uses. The last that was known stays while it is away. */
export function HostOverview({ host }: { host: Host }) {
  const { t } = useTranslation();
  const now = useNow();
  const tunnels = useTunnels().filter(({ hostId }) => hostId === host.id);
  const { state } = host;
  const connected = state.status === 'connected';
  const machineView = useMachine(host.id, connected);
  const { data: info } = useQuery({ ...infoQuery(host.id), enabled: connected });
  const { data: version } = useQuery({ ...versionQuery(host.id), enabled: connected });
  const { data: usage, isFetching: counting } = useQuery({ ...diskUsageQuery(host.id), enabled: connected });
  const { data: answer } = useQuery({ ...answerQuery(host.id), enabled: connected });
  const engine = connected || state.status === 'reconnecting' ? state.engine : undefined;
  const last = machineView.samples.at(-1);
  const reached: Fact[] = [
    { label: t('host.kind'), value: t(`hostKind.${hostKind(host)}`) },
    ...(host.address ? [{ label: t('host.address'), value: mono(host.address), copy: host.address }] : []),
    ...certificateFacts(host.security, t),
    ...(host.socketPath ? [{ label: t('host.socket'), value: mono(host.socketPath), copy: host.socketPath }] : []),
    ...(connected
      ? [{ label: t('host.since'), value: <span data-tip={formatExact(state.since)}>{formatSpan(Math.max(0, now - state.since))}</span> }]
      : []),
    ...(answer === undefined ? [] : [{ label: t('host.answers'), value: <span className="num">{t('host.ms', { ms: answer })}</span> }]),
  ];
  const components = (version?.Components ?? []).filter(({ Name }) => Name !== 'Engine' && !/^podman engine$/i.test(Name)).slice(0, 12);
  const answers: Fact[] = [
    ...(engine
      ? [
          { label: t('host.engine'), value: `${engine.product} ${engine.version}` },
          { label: 'API', value: engine.apiVersion },
        ]
      : []),
    // Podman puts the program's path behind the name.
    ...components.map(({ Name, Version }) => ({ label: Name.replace(/ *\(.*\)$/, ''), value: mono(Version) })),
    ...(info
      ? [
          { label: t('host.containers'), value: t('host.containersOf', { running: info.ContainersRunning, count: info.Containers }) },
          { label: t('host.images'), value: String(info.Images) },
          { label: t('host.storage'), value: mono(`${info.Driver} · ${info.DockerRootDir}`) },
          { label: 'cgroup', value: mono(`${info.CgroupDriver}, v${info.CgroupVersion ?? '1'}`) },
        ]
      : []),
    ...(usage || counting
      ? [
          {
            label: t('host.usage'),
            value: usage ? t('host.usageOf', { ...mapSizes(usage), total: formatSize(usage.total) }) : t('host.counting'),
          },
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
        ...(last?.uptimeS == null ? [] : [{ label: t('host.uptime'), value: formatSpan(last.uptimeS * 1000) }]),
      ]
    : [];
  const warnings = (info?.Warnings ?? []).filter((text) => typeof text === 'string' && text !== '').slice(0, 20);
  return (
    <div className="host-detail">
      <div className="flush">
        <HostTrouble host={host} />
      </div>
      <div className={connected ? undefined : 'stale'}>
        {(connected || machineView.samples.length > 0) && <MachineGauges view={machineView} />}
        <Facts facts={reached} />
        {machine.length > 0 && <h3>{t('host.machine')}</h3>}
        <Facts facts={machine} />
        {answers.length > 0 && <h3>{t('host.engine')}</h3>}
        {warnings.length > 0 && (
          <ul className="host-warnings" aria-label={t('host.warnings')}>
            {warnings.map((text) => (
              <li key={text}>
                <TriangleAlert size={14} aria-hidden />
                <span className="select">{text.slice(0, 500)}</span>
              </li>
            ))}
          </ul>
        )}
        <Facts facts={answers} />
      </div>
      {tunnels.length > 0 && (
        <>
          <h3>{t('tunnel.title')}</h3>
          <TunnelList tunnels={tunnels} />
        </>
      )}
    </div>
  );
}

function certificateFacts(security: TcpSecurity | undefined, t: (key: string) => string): Fact[] {
  if (security?.kind !== 'tls') return [];
  const { ca, cert, key } = security;
  const fact = (name: string, path: string | undefined) => (path ? [{ label: t(name), value: mono(path), copy: path }] : []);
  return [...fact('tcp.ca', ca), ...fact('tcp.cert', cert), ...fact('tcp.key', key)];
}

function mapSizes({ images, containers, volumes, cache }: Record<'images' | 'containers' | 'volumes' | 'cache', number>) {
  return { images: formatSize(images), containers: formatSize(containers), volumes: formatSize(volumes), cache: formatSize(cache) };
}
