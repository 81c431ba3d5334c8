import { CopyPlus } from 'lucide-react';
import type { DragEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerInspect } from '../../../../helper/contract/docker/index.ts';
import { explain } from '../../../lib/explain.ts';
import { formatExact, formatMemory, parseTime, shortId } from '../../../lib/format.ts';
import { useHosts } from '../../../lib/queries.ts';
import { navigate } from '../../../lib/route.ts';
import { IconButton } from '../../../ui/Button.tsx';
import { JsonView } from '../../../ui/JsonView.tsx';
import { ErrorPanel, type Fact, Facts, mono, monoList, Skeleton } from '../../../ui/Panels.tsx';
import { endDrag, openTransfer, startDrag } from '../../transfer/index.ts';

/** Key facts on top, all of it as JSON below. */
export function InspectTab({ host: hostId, data, error }: { host: string; data: ContainerInspect | undefined; error: Error | null }) {
  const { t } = useTranslation();
  if (!data)
    return error ? <ErrorPanel title={t('detail.inspectFailed')} {...explain(error)} /> : <Skeleton rows={6} label={t('loading')} />;

  const { Config: config, HostConfig: host, State: state } = data;
  const command = [data.Path, ...(data.Args ?? [])].join(' ');
  const started = parseTime(state.StartedAt);
  const finished = parseTime(state.FinishedAt);
  const ports = Object.entries(data.NetworkSettings?.Ports ?? {}).map(([port, bound]) =>
    bound && bound.length > 0
      ? `${bound.map((b) => `${b.HostIp.includes(':') ? `[${b.HostIp}]` : b.HostIp || '*'}:${b.HostPort}`).join(', ')} → ${port}`
      : port,
  );
  const mounts = (data.Mounts ?? []).map((m) => {
    const text = `${m.Name ?? m.Source} → ${m.Destination}${m.RW ? '' : ' (ro)'}`;
    return { place: m.Destination, text, volume: m.Type === 'volume' ? m.Name : undefined };
  });
  const networks = Object.entries(data.NetworkSettings?.Networks ?? {});
  const limits = [
    host.Memory ? `${t('inspect.memory')} ${formatMemory(host.Memory)}` : '',
    host.NanoCpus ? `${t('inspect.cpus')} ${host.NanoCpus / 1e9}` : '',
    host.PidsLimit && host.PidsLimit > 0 ? `${t('inspect.processes')} ${host.PidsLimit}` : '',
  ].filter(Boolean);
  const restart = host.RestartPolicy?.Name;

  const facts: (Fact | false)[] = [
    { label: 'ID', value: mono(shortId(data.Id)), copy: data.Id },
    { label: t('column.image'), value: mono(config.Image ?? ''), copy: config.Image },
    { label: t('inspect.command'), value: mono(command), copy: command },
    { label: t('inspect.created'), value: mono(formatExact(parseTime(data.Created))) },
    started > 0 && { label: t('inspect.started'), value: mono(formatExact(started)) },
    finished > 0 &&
      !state.Running && {
        label: t('inspect.finished'),
        value: (
          <>
            {mono(formatExact(finished))} · {t('inspect.exitCode', { code: state.ExitCode })}
          </>
        ),
      },
    state.Running && { label: 'PID', value: mono(String(state.Pid)) },
    data.RestartCount > 0 && { label: t('inspect.restarts'), value: <span className="num">{data.RestartCount}</span> },
    restart !== undefined && restart !== '' && restart !== 'no' && { label: t('run.restart'), value: restart },
    ports.length > 0 && { label: t('column.ports'), value: monoList(ports) },
    networks.length > 0 && {
      label: t('inspect.networks'),
      value: (
        <ul>
          {networks.map(([name, { NetworkID, IPAddress, GlobalIPv6Address }]) => (
            <NetworkPlace key={name} host={hostId} name={name} id={NetworkID} addresses={[IPAddress, GlobalIPv6Address]} />
          ))}
        </ul>
      ),
    },
    mounts.length > 0 && {
      label: t('inspect.mounts'),
      value: (
        <ul>
          {mounts.map((mount) => (
            <Mount key={mount.place} hostId={hostId} text={mount.text} volume={mount.volume} />
          ))}
        </ul>
      ),
      copy: mounts.map(({ text }) => text).join('\n'),
    },
    limits.length > 0 && { label: t('inspect.limits'), value: limits.join(' · ') },
    { label: t('run.workdir'), value: mono(config.WorkingDir || '/') },
    config.User ? { label: t('run.user'), value: mono(config.User) } : false,
    (config.Env ?? []).length > 0 && { label: t('run.env'), value: monoList(config.Env ?? []), copy: (config.Env ?? []).join('\n') },
    Object.keys(config.Labels ?? {}).length > 0 && {
      label: t('inspect.labels'),
      value: monoList(Object.entries(config.Labels ?? {}).map(([k, v]) => `${k}=${v}`)),
    },
  ];
  return (
    <div className="inspect" data-testid="inspect">
      <Facts facts={facts.filter((fact): fact is Fact => fact !== false)} />
      <h3>JSON</h3>
      <JsonView value={data} />
    </div>
  );
}

/** A network that it is on, with its addresses there; one that never ran may not know the network's id. */
function NetworkPlace({
  host,
  name,
  id,
  addresses,
}: {
  host: string;
  name: string;
  id: string | undefined;
  addresses: (string | undefined)[];
}) {
  return (
    <li className="mono">
      {id ? (
        <button
          type="button"
          className="link"
          data-testid="network-link"
          onClick={() => navigate({ page: 'networks', detail: { host, id } })}
        >
          {name}
        </button>
      ) : (
        name
      )}
      {addresses.filter(Boolean).map((address) => `  ${address}`)}
    </li>
  );
}

/** A place in the container; a volume can go to another host from here. */
function Mount({ hostId, text, volume }: { hostId: string; text: string; volume: string | undefined }) {
  const { t } = useTranslation();
  const many = useHosts().length > 1;
  const source = volume === undefined ? undefined : { kind: 'volume' as const, hostId, id: volume, name: volume };
  const drag = source && many && { draggable: true, onDragStart: (event: DragEvent) => startDrag([source], event), onDragEnd: endDrag };
  return (
    <li className="mono mount" {...drag}>
      {source ? (
        <>
          <button
            type="button"
            className="link"
            data-testid="volume-link"
            onClick={() => navigate({ page: 'volumes', detail: { host: hostId, id: source.id } })}
          >
            {source.name}
          </button>
          {text.slice(source.name.length)}
        </>
      ) : (
        text
      )}
      {source && (
        <IconButton
          small
          icon={CopyPlus}
          name={t('transfer.volumeCopy', { name: source.name })}
          data-testid="volume-copy"
          onClick={() => openTransfer([source])}
        />
      )}
    </li>
  );
}
