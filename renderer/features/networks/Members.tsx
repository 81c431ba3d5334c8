import { Unplug } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../../ui/Button.tsx';
import { StateBadge } from '../../ui/StateBadge.tsx';
import { openContainer } from '../containers/index.ts';
import { disconnect } from './members.ts';
import { mayConnect } from './menu.ts';
import type { NetworkRow } from './row.ts';

/** The containers on a network, with the addresses that they have there. */
export function Members({ row }: { row: NetworkRow }) {
  const { t } = useTranslation();
  const may = mayConnect(row);
  const hasAddresses = row.users.some(({ ipv4, ipv6 }) => ipv4 !== '' || ipv6 !== '');
  return (
    <table className="user-table network-members" aria-labelledby="network-members">
      <thead>
        <tr>
          <th>{t('volumes.container')}</th>
          <th>{t('column.state')}</th>
          {hasAddresses && <th>{t('networks.addresses')}</th>}
          {may && (
            <th>
              <span className="sr-only">{t('networks.disconnect')}</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {row.users.map((user) => (
          <tr key={user.id}>
            <td>
              <button type="button" className="link" onClick={() => openContainer({ host: row.host, id: user.id })}>
                {user.name}
              </button>
            </td>
            <td>
              <StateBadge tone={user.running ? 'running' : 'idle'} text={t(user.running ? 'volumes.running' : 'volumes.stopped')} />
            </td>
            {hasAddresses && (
              <td className="mono select">
                {[user.ipv4, user.ipv6].filter(Boolean).map((address) => (
                  <div key={address}>{address}</div>
                ))}
                {user.mac && <div className="dim">{user.mac}</div>}
              </td>
            )}
            {may && (
              <td className="network-member-action">
                <IconButton
                  small
                  icon={Unplug}
                  name={t('networks.disconnectNamed', { name: user.name })}
                  data-testid={`disconnect-${user.name}`}
                  onClick={() => void disconnect(row, user)}
                />
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
