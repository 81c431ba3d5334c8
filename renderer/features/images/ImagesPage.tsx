import { useQueries } from '@tanstack/react-query';
import { Download, Layers } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { matches, parseFilter } from '../../lib/filter.ts';
import { formatSize, shortId } from '../../lib/format.ts';
import { containersQuery, imagesQuery, useShownHosts } from '../../lib/queries.ts';
import { navigate, useRoute } from '../../lib/route.ts';
import { openDialog } from '../../lib/screen.ts';
import { Button } from '../../ui/Button.tsx';
import { EmptyState } from '../../ui/Panels.tsx';
import { Bulk, failedLists, itemOf, ListPage, useList } from '../list/index.ts';
import { useRowDrag } from '../transfer/index.ts';
import { removeImages } from './actions.ts';
import { imageColumns } from './columns.tsx';
import { ImageDetail } from './ImageDetail.tsx';
import { imageMenu, imageSource } from './menu.ts';
import { type ImageRow, imageRows, sortImages } from './row.ts';
import { TagDialog } from './TagDialog.tsx';
import './images.css';

const filterNames = ['host', 'state', 'name'];

/** Images count once, however many names they have. */
function sizeOf(rows: ImageRow[]): { count: number; size: string } {
  const unique = new Map(rows.map((row) => [`${row.host.id}/${row.id}`, row.size]));
  return { count: unique.size, size: formatSize([...unique.values()].reduce((a, b) => a + b, 0)) };
}

export function ImagesPage() {
  const { t, i18n } = useTranslation();
  const hosts = useShownHosts();
  const { detail } = useRoute();
  const lists = useQueries({ queries: hosts.map(imagesQuery) });
  const containers = useQueries({ queries: hosts.map(containersQuery) });
  const [tagging, setTagging] = useState<ImageRow | null>(null);
  const drag = useRowDrag(imageSource);
  const many = hosts.length > 1;
  const images = lists.map((l) => l.data);
  const users = containers.map((l) => l.data);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the arrays are new each time, their members are not
  const rows = useMemo(
    () => hosts.flatMap((host, i) => imageRows(host, images[i] ?? [], users[i]?.containers ?? [])),
    [...hosts, ...images, ...users],
  );
  const list = useList('images', rows, { column: 'name', down: false });
  const { filterText, sort } = list;
  const items = useMemo(() => {
    const filter = parseFilter(filterText, filterNames);
    const hit = (row: ImageRow) =>
      matches(filter, `${row.reference} ${shortId(row.id)}`, {
        host: [row.host.name],
        name: [row.reference],
        state: [row.users.length > 0 ? 'used' : 'unused', ...(row.dangling ? ['dangling'] : [])],
      });
    return sortImages(rows.filter(hit), sort.column, sort.down).map((row) => itemOf(row, many));
  }, [rows, filterText, sort, many]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: titles change with the language
  const columns = useMemo(() => imageColumns(many, list.openMenu), [many, i18n.language]);

  const loaded = lists.some((l) => l.data !== undefined);
  const failed = failedLists(hosts, lists);
  const current =
    detail &&
    rows.find(
      (row) => row.host.id === detail.host && (row.reference === detail.id || shortId(row.id) === detail.id || row.id === detail.id),
    );
  const menuOf = (row: ImageRow) => imageMenu(row, setTagging);
  const onKey = (key: string, targets: ImageRow[]): boolean => {
    const [first] = targets as [ImageRow];
    if (key === 'r') openDialog({ type: 'run', host: first.host.id, image: first.reference });
    else if (key === 'Delete') void removeImages(targets);
    else return false;
    return true;
  };

  return (
    <ListPage
      list={list}
      hosts={hosts}
      failed={failed}
      loaded={loaded}
      items={items}
      columns={columns}
      texts={{
        summary: loaded ? t('images.summary', sizeOf(rows)) : '',
        filter: t('images.filter'),
        noMatch: t('images.noMatch'),
        listFailed: (host) => t('images.listFailed', { host }),
      }}
      action={
        <Button tone="primary" icon={Download} data-testid="pull" onClick={() => openDialog({ type: 'pull' })}>
          {t('action.pull')}
        </Button>
      }
      empty={
        <EmptyState icon={Layers} title={t('images.empty')} text={t('images.emptyText')} command="docker pull nginx">
          <Button tone="primary" icon={Download} onClick={() => openDialog({ type: 'pull' })}>
            {t('start.pull')}
          </Button>
        </EmptyState>
      }
      nameOf={(row) => row.reference}
      menuOf={menuOf}
      current={current}
      detail={
        detail && <ImageDetail key={`${detail.host}/${detail.id}`} route={detail} row={current} menu={current ? menuOf(current) : []} />
      }
      onOpen={(row) =>
        navigate(
          { page: 'images', detail: { host: row.host.id, id: row.dangling ? shortId(row.id) : row.reference } },
          { replace: detail !== undefined },
        )
      }
      onKey={onKey}
      drag={drag}
      bulk={
        <Bulk
          list={list}
          count={t('images.selected', sizeOf(list.chosen))}
          sourceOf={imageSource}
          deleteLabel={t('imageRemove.verb', { count: list.chosen.length })}
          onDelete={removeImages}
        />
      }
    >
      {tagging && <TagDialog row={tagging} onClose={() => setTagging(null)} />}
    </ListPage>
  );
}
