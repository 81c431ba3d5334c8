import { Cable, EllipsisVertical, Trash2, Unplug, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { formatExact, shortId } from '../../lib/format.ts';
import { navigate, type Route } from '../../lib/route.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { JsonView } from '../../ui/JsonView.tsx';
import { Menu } from '../../ui/Menu.tsx';
import { EmptyState, type Fact, Facts, mono, monoList, Skeleton } from '../../ui/Panels.tsx';
import { Tabs } from '../../ui/Tabs.tsx';
import { Members } from './Members.tsx';
import { mayConnect, networkMenu, openConnect } from './menu.ts';
import './networks.css';
import { removeNetworks } from './remove.ts';
import type { NetworkRow } from './row.ts';

interface NetworkDetailProps {
  route: NonNullable<Route['detail']>;
  /** Undefined while the list loads, or when the network is gone. */
  row: NetworkRow | undefined;
  loaded: boolean;
}

export function NetworkDetail({ route, row, loaded }: NetworkDetailProps) {
  const { t } = useTranslation();
  const close = () => navigate({ page: 'networks' });
  const title = row?.name ?? shortId(route.id);
  return (
    <>
      <header className="detail-head">
        <div className="detail-title">
          <h2 className="truncate" title={title} data-testid="detail-name">
            <bdi>{title}</bdi>
          </h2>
          {row && (
            <>
              {mayConnect(row) && (
                <IconButton icon={Cable} name={t('networks.connect')} data-testid="detail-connect" onClick={() => openConnect(row)} />
              )}
              {!row.predefined && (
                <IconButton
                  icon={Trash2}
                  tone="danger"
                  name={t('action.delete')}
                  data-testid="detail-delete"
                  onClick={() =>
                    void removeNetworks([row]).then((removed) => {
                      if (removed) close();
                    })
                  }
                />
              )}
              <Menu
                trigger={<IconButton icon={EllipsisVertical} name={t('action.more')} data-testid="detail-menu" />}
                entries={networkMenu(row)}
              />
            </>
          )}
          <IconButton icon={X} name={t('action.close')} keys="Esc" data-testid="detail-close" onClick={close} />
        </div>
      </header>
      {row ? (
        <Tabs
          label={t('detail.tabs')}
          value={route.tab === 'json' ? 'json' : 'overview'}
          onChange={(tab) => navigate({ page: 'networks', detail: { ...route, tab } }, { replace: true })}
          tabs={[
            { id: 'overview', label: t('tab.overview'), body: () => <Overview row={row} /> },
            {
              id: 'json',
              label: 'JSON',
              body: () => (
                <div className="inspect">
                  <JsonView value={row.network} />
                </div>
              ),
            },
          ]}
        />
      ) : loaded ? (
        <EmptyState icon={Unplug} title={t('images.gone', { name: title })} />
      ) : (
        <Skeleton rows={6} label={t('loading')} />
      )}
    </>
  );
}

function Overview({ row }: { row: NetworkRow }) {
  const { t } = useTranslation();
  const { network } = row;
  const options = Object.entries(network.Options ?? {}).map(([name, value]) => `${name}=${value}`);
  const traits = [
    row.predefined && t('networks.predefinedText'),
    network.Internal && t('networks.internalText'),
    network.EnableIPv6 && t('networks.ipv6Text'),
    network.Attachable && t('networks.attachableText'),
  ].filter((text): text is string => text !== false);
  const facts: (Fact | false)[] = [
    { label: t('column.name'), value: mono(row.name), copy: row.name },
    { label: 'ID', value: mono(shortId(row.id)), copy: row.id },
    { label: t('column.driver'), value: row.driver },
    { label: t('column.scope'), value: row.scope },
    row.created > 0 && { label: t('column.created'), value: mono(formatExact(row.created)) },
    traits.length > 0 && { label: t('networks.traits'), value: traits.join(' ') },
    ...addressFacts(row, t),
    options.length > 0 && { label: t('volumes.options'), value: monoList(options), copy: options.join('\n') },
    row.labels.length > 0 && { label: t('column.labels'), value: monoList(row.labels), copy: row.labels.join('\n') },
  ];
  return (
    <div className="inspect" data-testid="network-overview">
      <Facts facts={facts.filter((fact): fact is Fact => fact !== false)} />
      <div className="network-members-head">
        <h3 id="network-members">{t('page.containers')}</h3>
        {mayConnect(row) && (
          <Button icon={Cable} data-testid="connect-container" onClick={() => openConnect(row)}>
            {t('networks.connect')}
          </Button>
        )}
      </div>
      {row.users.length === 0 ? (
        <p className="dim">{t(row.predefined ? 'networks.nobody' : 'networks.unusedText')}</p>
      ) : (
        <Members row={row} />
      )}
    </div>
  );
}

/** What IPAM says, a line for each part that it has. */
function addressFacts({ network }: NetworkRow, t: (key: string) => string): Fact[] {
  return (network.IPAM?.Config ?? []).flatMap(({ Subnet, Gateway, IPRange, AuxiliaryAddresses }): Fact[] => {
    const others = Object.entries(AuxiliaryAddresses ?? {}).map(([name, address]) => `${name}=${address}`);
    return [
      ...(Subnet ? [{ label: t('networks.subnet'), value: mono(Subnet), copy: Subnet }] : []),
      ...(Gateway ? [{ label: t('networks.gateway'), value: mono(Gateway), copy: Gateway }] : []),
      ...(IPRange ? [{ label: t('networks.range'), value: mono(IPRange), copy: IPRange }] : []),
      ...(others.length > 0 ? [{ label: t('networks.auxiliary'), value: monoList(others), copy: others.join('\n') }] : []),
    ];
  });
}
