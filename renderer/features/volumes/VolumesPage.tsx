import { HardDrive, Plus, Sparkles } from 'lucide-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { parseFilter } from '../../lib/filter.ts';
import { formatSize } from '../../lib/format.ts';
import { useShownHosts } from '../../lib/queries.ts';
import { useRoute } from '../../lib/route.ts';
import { openDialog } from '../../lib/screen.ts';
import { Button } from '../../ui/Button.tsx';
import { Menu } from '../../ui/Menu.tsx';
import { EmptyState } from '../../ui/Panels.tsx';
import { Bulk, itemOf, ListPage, useList } from '../list/index.ts';
import { useRowDrag } from '../transfer/index.ts';
import { volumeColumns } from './columns.tsx';
import { openVolume, volumeMenu, volumeSource } from './menu.ts';
import { removeVolumes } from './remove.ts';
import { bytesOf, filterNames, sortVolumes, type VolumeRow, volumeMatches } from './row.ts';
import { useVolumes } from './useVolumes.ts';
import { VolumeDetail } from './VolumeDetail.tsx';

export function VolumesPage() {
  const { t, i18n } = useTranslation();
  const hosts = useShownHosts();
  const { detail } = useRoute();
  const { rows, failed, loaded, measuring } = useVolumes(hosts);
  const list = useList('volumes', rows, { column: 'name', down: false });
  const { filterText, sort } = list;
  const drag = useRowDrag(volumeSource);
  const many = hosts.length > 1;

  const items = useMemo(() => {
    const filter = parseFilter(filterText, filterNames);
    return sortVolumes(
      rows.filter((row) => volumeMatches(row, filter)),
      sort.column,
      sort.down,
    ).map((row) => itemOf(row, many));
  }, [rows, filterText, sort, many]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: titles change with the language
  const columns = useMemo(() => volumeColumns(many, measuring, list.openMenu), [many, measuring, i18n.language]);

  const current = detail && rows.find((row) => row.host.id === detail.host && row.name === detail.id);
  const summaryOf = (some: VolumeRow[]) => ({ count: some.length, size: formatSize(bytesOf(some)) });
  const create = () => openDialog({ type: 'create-volume' });

  return (
    <ListPage
      list={list}
      hosts={hosts}
      failed={failed}
      loaded={loaded}
      items={items}
      columns={columns}
      texts={{
        summary: rows.length > 0 ? t('volumes.summary', summaryOf(rows)) : '',
        filter: t('volumes.filter'),
        noMatch: t('volumes.noMatch'),
        listFailed: (host) => t('volumes.listFailed', { host }),
      }}
      action={
        <>
          {rows.length > 0 && <CleanUp rows={rows} />}
          <Button tone="primary" icon={Plus} data-testid="create-volume" onClick={create}>
            {t('volumes.create')}
          </Button>
        </>
      }
      empty={
        <EmptyState icon={HardDrive} title={t('volumes.empty')} text={t('volumes.emptyText')} command="docker volume create data">
          <Button tone="primary" icon={Plus} onClick={create}>
            {t('volumes.create')}
          </Button>
        </EmptyState>
      }
      nameOf={(row) => row.title}
      menuOf={volumeMenu}
      current={current}
      detail={detail && <VolumeDetail key={`${detail.host}/${detail.id}`} route={detail} row={current} loaded={loaded} />}
      onOpen={(row) => openVolume(row.host.id, row.name, detail !== undefined)}
      onKey={(key, targets) => {
        if (key === 'Delete') void removeVolumes(targets);
        return key === 'Delete';
      }}
      drag={drag}
      bulk={
        <Bulk
          list={list}
          count={t('images.selected', summaryOf(list.chosen))}
          sourceOf={volumeSource}
          deleteLabel={t('volumeRemove.verb', { count: list.chosen.length })}
          onDelete={removeVolumes}
        />
      }
    />
  );
}

/** Deletes what no container has; which ones is shown first. */
function CleanUp({ rows }: { rows: VolumeRow[] }) {
  const { t } = useTranslation();
  const unused = rows.filter(({ users, host }) => users.length === 0 && !host.readOnly && host.state.status === 'connected');
  const anonymous = unused.filter((row) => row.anonymous);
  const entry = (id: 'anonymous' | 'all', some: VolumeRow[]) => ({
    id: `clean-${id}`,
    label: t(`volumes.clean.${id}`, { count: some.length, size: formatSize(bytesOf(some)) }),
    disabled: some.length === 0,
    run: () => void removeVolumes(some),
  });
  return (
    <Menu
      trigger={
        <Button icon={Sparkles} data-testid="clean-volumes">
          {t('volumes.cleanUp')}
        </Button>
      }
      entries={[entry('anonymous', anonymous), entry('all', unused)]}
    />
  );
}
