import { Network, Plus, Sparkles } from 'lucide-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { parseFilter } from '../../lib/filter.ts';
import { useShownHosts } from '../../lib/queries.ts';
import { useRoute } from '../../lib/route.ts';
import { openDialog } from '../../lib/screen.ts';
import { Button } from '../../ui/Button.tsx';
import { EmptyState } from '../../ui/Panels.tsx';
import { Bulk, itemOf, ListPage, useList } from '../list/index.ts';
import { networkColumns } from './columns.tsx';
import { networkMenu, openNetwork } from './menu.ts';
import { NetworkDetail } from './NetworkDetail.tsx';
import './networks.css';
import { removeNetworks } from './remove.ts';
import { filterNames, isUnused, networkMatches, sortNetworks } from './row.ts';
import { useNetworks } from './useNetworks.ts';

export function NetworksPage() {
  const { t, i18n } = useTranslation();
  const hosts = useShownHosts();
  const { detail } = useRoute();
  const { rows, failed, loaded, counted } = useNetworks(hosts);
  const list = useList('networks', rows, { column: 'name', down: false });
  const { filterText, sort } = list;
  const many = hosts.length > 1;

  const items = useMemo(() => {
    const filter = parseFilter(filterText, filterNames);
    return sortNetworks(
      rows.filter((row) => networkMatches(row, filter)),
      sort.column,
      sort.down,
    ).map((row) => itemOf(row, many));
  }, [rows, filterText, sort, many]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: titles change with the language
  const columns = useMemo(() => networkColumns(many, list.openMenu), [many, i18n.language]);

  const current = detail && rows.find((row) => row.host.id === detail.host && row.id === detail.id);
  const own = rows.filter(({ predefined }) => !predefined).length;
  const unused = counted ? rows.filter((row) => isUnused(row) && !row.host.readOnly && row.host.state.status === 'connected') : [];
  const create = () => openDialog({ type: 'create-network' });

  return (
    <ListPage
      list={list}
      hosts={hosts}
      failed={failed}
      loaded={loaded}
      items={items}
      columns={columns}
      texts={{
        summary: rows.length > 0 ? t('networks.summary', { own, predefined: rows.length - own }) : '',
        filter: t('networks.filter'),
        noMatch: t('networks.noMatch'),
        listFailed: (host) => t('networks.listFailed', { host }),
      }}
      action={
        <>
          {unused.length > 0 && (
            <Button
              icon={Sparkles}
              data-testid="clean-networks"
              data-tip={t('networks.cleanTip')}
              onClick={() => void removeNetworks(unused)}
            >
              {t('volumes.cleanUp')}
            </Button>
          )}
          <Button tone="primary" icon={Plus} data-testid="create-network" onClick={create}>
            {t('networks.create')}
          </Button>
        </>
      }
      empty={
        <EmptyState icon={Network} title={t('networks.empty')} text={t('networks.emptyText')} command="docker network create shop">
          <Button tone="primary" icon={Plus} onClick={create}>
            {t('networks.create')}
          </Button>
        </EmptyState>
      }
      nameOf={(row) => row.name}
      menuOf={networkMenu}
      current={current}
      detail={detail && <NetworkDetail key={`${detail.host}/${detail.id}`} route={detail} row={current} loaded={loaded} />}
      onOpen={(row) => openNetwork(row.host.id, row.id, detail !== undefined)}
      onKey={(key, targets) => {
        if (key === 'Delete') void removeNetworks(targets);
        return key === 'Delete';
      }}
      bulk={
        <Bulk
          list={list}
          count={t('networks.selected', { count: list.chosen.length })}
          deleteLabel={t('networkRemove.verb', { count: list.chosen.length })}
          onDelete={removeNetworks}
        />
      }
    />
  );
}
