import { Cable } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { formatExact, shortId } from '../../lib/format.ts';
import type { Route } from '../../lib/route.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { type Fact, Facts, mono, monoList } from '../../ui/Panels.tsx';
import { DetailPane } from '../list/index.ts';
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
  return (
    <DetailPane
      page="networks"
      route={route}
      title={row?.name ?? shortId(route.id)}
      loaded={loaded}
      shown={
        row && {
          actions: mayConnect(row) && (
            <IconButton icon={Cable} name={t('networks.connect')} data-testid="detail-connect" onClick={() => openConnect(row)} />
          ),
          onDelete: row.predefined ? undefined : () => removeNetworks([row]),
          menu: networkMenu(row),
          overview: <Overview row={row} />,
          json: row.network,
        }
      }
    />
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
