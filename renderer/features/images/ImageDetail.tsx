import { EllipsisVertical, Play, Trash2, Unplug, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { explain } from '../../lib/explain.ts';
import { formatExact, formatSize, parseTime, shortId } from '../../lib/format.ts';
import { useImage, useImageHistory } from '../../lib/queries.ts';
import { navigate, type Route } from '../../lib/route.ts';
import { openDialog } from '../../lib/screen.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { JsonView } from '../../ui/JsonView.tsx';
import { Menu, type MenuEntry } from '../../ui/Menu.tsx';
import { EmptyState, ErrorPanel, type Fact, Facts, mono, monoList, Skeleton } from '../../ui/Panels.tsx';
import { Tabs } from '../../ui/Tabs.tsx';
import { removeImages } from './actions.ts';
import './images.css';
import type { ImageRow } from './row.ts';

export function ImageDetail({ route, row, menu }: { route: NonNullable<Route['detail']>; row: ImageRow | undefined; menu: MenuEntry[] }) {
  const { t } = useTranslation();
  const reference = row?.id ?? route.id;
  const image = useImage(route.host, reference);
  const close = () => navigate({ page: 'images' });
  const tab = route.tab === 'layers' || route.tab === 'json' ? route.tab : 'config';
  return (
    <>
      <header className="detail-head">
        <div className="detail-title">
          <h2 className="truncate" title={route.id}>
            {row?.reference ?? route.id}
          </h2>
          {row && (
            <>
              <Button icon={Play} onClick={() => openDialog({ type: 'run', host: row.host.id, image: row.reference })}>
                {t('action.run')}
              </Button>
              <IconButton icon={Trash2} tone="danger" name={t('action.delete')} onClick={() => void removeImages([row])} />
              <Menu trigger={<IconButton icon={EllipsisVertical} name={t('action.more')} />} entries={menu} />
            </>
          )}
          <IconButton icon={X} name={t('action.close')} keys="Esc" onClick={close} />
        </div>
      </header>
      {image.error ? (
        row ? (
          <ErrorPanel title={t('detail.inspectFailed')} {...explain(image.error)} />
        ) : (
          <EmptyState icon={Unplug} title={t('images.gone', { name: route.id })} />
        )
      ) : !image.data ? (
        <Skeleton rows={6} label={t('loading')} />
      ) : (
        <Tabs
          label={t('detail.tabs')}
          value={tab}
          onChange={(next) => navigate({ page: 'images', detail: { ...route, tab: next } }, { replace: true })}
          tabs={[
            { id: 'config', label: t('tab.config'), body: () => <Config image={image.data} row={row} /> },
            { id: 'layers', label: t('tab.layers'), body: () => <Layers host={route.host} id={image.data.Id} /> },
            {
              id: 'json',
              label: 'JSON',
              body: () => (
                <div className="inspect">
                  <JsonView value={image.data} />
                </div>
              ),
            },
          ]}
        />
      )}
    </>
  );
}

function Config({ image, row }: { image: NonNullable<ReturnType<typeof useImage>['data']>; row: ImageRow | undefined }) {
  const { t } = useTranslation();
  const config = image.Config ?? {};
  const labels = Object.entries(config.Labels ?? {}).map(([k, v]) => `${k}=${v}`);
  const ports = Object.keys(config.ExposedPorts ?? {});
  const volumes = Object.keys(config.Volumes ?? {});
  const facts: (Fact | false)[] = [
    { label: 'ID', value: mono(shortId(image.Id)), copy: image.Id },
    (image.RepoTags ?? []).length > 0 && { label: t('inspect.tags'), value: monoList(image.RepoTags) },
    (image.RepoDigests ?? []).length > 0 && { label: t('inspect.digests'), value: monoList(image.RepoDigests), copy: image.RepoDigests[0] },
    { label: t('inspect.platform'), value: `${image.Os}/${image.Architecture}${image.Variant ? `/${image.Variant}` : ''}` },
    { label: t('column.size'), value: <span className="num">{formatSize(image.Size)}</span> },
    parseTime(image.Created) > 0 && {
      label: t('column.created'),
      value: mono(formatExact(parseTime(image.Created))),
    },
    (row?.users.length ?? 0) > 0 && { label: t('column.inUse'), value: row?.users.join(', ') },
    (config.Entrypoint ?? []).length > 0 && { label: t('run.entrypoint'), value: mono((config.Entrypoint ?? []).join(' ')) },
    (config.Cmd ?? []).length > 0 && { label: t('inspect.command'), value: mono((config.Cmd ?? []).join(' ')) },
    { label: t('run.workdir'), value: mono(config.WorkingDir || '/') },
    config.User ? { label: t('run.user'), value: mono(config.User) } : false,
    ports.length > 0 && { label: t('inspect.exposed'), value: monoList(ports) },
    volumes.length > 0 && { label: t('inspect.volumes'), value: monoList(volumes) },
    (config.Env ?? []).length > 0 && { label: t('run.env'), value: monoList(config.Env ?? []) },
    labels.length > 0 && { label: t('inspect.labels'), value: monoList(labels) },
  ];
  return (
    <div className="inspect">
      <Facts facts={facts.filter((fact): fact is Fact => fact !== false)} />
    </div>
  );
}

/** A Dockerfile step without what the classic builder wraps around it. */
function stepText(createdBy: string): string {
  return createdBy
    .replace(/^\/bin\/sh -c #\(nop\)\s*/, '')
    .replace(/^\/bin\/sh -c /, 'RUN ')
    .replace(/\s+# buildkit$/, '');
}

function Layers({ host, id }: { host: string; id: string }) {
  const { t } = useTranslation();
  const history = useImageHistory(host, id);
  if (history.error) return <ErrorPanel title={t('detail.inspectFailed')} {...explain(history.error)} />;
  if (!history.data) return <Skeleton rows={6} label={t('loading')} />;
  const largest = Math.max(1, ...history.data.map((entry) => entry.Size));
  return (
    <ol className="layers" aria-label={t('tab.layers')}>
      {[...history.data].reverse().map((entry, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: steps have no identity but their place
        <li key={i}>
          <span className="num dim">{i + 1}</span>
          <code className="mono select">{stepText(entry.CreatedBy) || entry.Comment}</code>
          <span className="num layer-size">
            {entry.Size > 0 ? formatSize(entry.Size) : <span className="dim">0 B</span>}
            <span className="layer-bar" style={{ width: `${Math.max(entry.Size > 0 ? 4 : 0, (entry.Size / largest) * 100)}%` }} />
          </span>
        </li>
      ))}
    </ol>
  );
}
