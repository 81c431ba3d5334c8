import { CopyPlus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { formatExact, formatSize } from '../../lib/format.ts';
import { useHosts } from '../../lib/queries.ts';
import type { Route } from '../../lib/route.ts';
import { IconButton } from '../../ui/Button.tsx';
import { type Fact, Facts, mono, monoList } from '../../ui/Panels.tsx';
import { StateBadge } from '../../ui/StateBadge.tsx';
import { openContainer } from '../containers/index.ts';
import { DetailPane } from '../list/index.ts';
import { openTransfer } from '../transfer/index.ts';
import { volumeMenu, volumeSource } from './menu.ts';
import { removeVolumes } from './remove.ts';
import type { VolumeRow } from './row.ts';

interface VolumeDetailProps {
  route: NonNullable<Route['detail']>;
  /** Undefined while the list loads, or when the volume is gone. */
  row: VolumeRow | undefined;
  loaded: boolean;
}

export function VolumeDetail({ route, row, loaded }: VolumeDetailProps) {
  const { t } = useTranslation();
  const many = useHosts().length > 1;
  return (
    <DetailPane
      page="volumes"
      route={route}
      title={row?.title ?? route.id}
      tip={row?.name ?? route.id}
      loaded={loaded}
      shown={
        row && {
          actions: many && <IconButton icon={CopyPlus} name={t('action.copyTo')} onClick={() => openTransfer([volumeSource(row)])} />,
          onDelete: () => removeVolumes([row]),
          menu: volumeMenu(row),
          overview: <Overview row={row} />,
          json: row.volume,
        }
      }
    />
  );
}

function Overview({ row }: { row: VolumeRow }) {
  const { t } = useTranslation();
  const { volume } = row;
  const options = Object.entries(volume.Options ?? {}).map(([name, value]) => `${name}=${value}`);
  const facts: (Fact | false)[] = [
    { label: t('column.name'), value: mono(row.name), copy: row.name },
    { label: t('column.driver'), value: row.driver },
    row.driver === 'local' && { label: t('volumes.kind'), value: t(`volumeKindText.${row.kind}`) },
    { label: t('column.size'), value: <span className="num">{row.size === undefined ? '–' : formatSize(row.size)}</span> },
    row.created > 0 && { label: t('column.created'), value: mono(formatExact(row.created)) },
    volume.Mountpoint !== '' && { label: t('volumes.mountpoint'), value: mono(volume.Mountpoint), copy: volume.Mountpoint },
    options.length > 0 && { label: t('volumes.options'), value: monoList(options), copy: options.join('\n') },
    row.labels.length > 0 && { label: t('column.labels'), value: monoList(row.labels), copy: row.labels.join('\n') },
  ];
  return (
    <div className="inspect" data-testid="volume-overview">
      <Facts facts={facts.filter((fact): fact is Fact => fact !== false)} />
      <h3 id="volume-users">{t('column.usedBy')}</h3>
      {row.users.length === 0 ? <p className="dim">{t('volumes.unusedText')}</p> : <UserTable row={row} />}
    </div>
  );
}

function UserTable({ row }: { row: VolumeRow }) {
  const { t } = useTranslation();
  return (
    <table className="user-table" aria-labelledby="volume-users">
      <thead>
        <tr>
          <th>{t('volumes.container')}</th>
          <th>{t('column.state')}</th>
          <th>{t('volumes.place')}</th>
        </tr>
      </thead>
      <tbody>
        {row.users.map((user) => (
          <tr key={`${user.id}${user.place}`}>
            <td>
              <button type="button" className="link" onClick={() => openContainer({ host: row.host, id: user.id })}>
                {user.name}
              </button>
            </td>
            <td>
              <StateBadge tone={user.running ? 'running' : 'idle'} text={t(user.running ? 'volumes.running' : 'volumes.stopped')} />
            </td>
            <td>
              <span className="mono">{user.place}</span>
              {user.readOnly && <span className="dim"> {t('volumes.readOnly')}</span>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
