import { useTranslation } from 'react-i18next';
import type { Host } from '../../../electron/ipc/contract.ts';
import { toggleToken } from '../../lib/filter.ts';
import { setFilter, useScreen } from '../../lib/screen.ts';
import './hosts.css';

/** Whose row it is, in lists over several hosts; a click shows this host's rows only, another one all again. */
export function HostCell({ host, page }: { host: Host; page: string }) {
  const { t } = useTranslation();
  const filter = useScreen((s) => s.filters[page] ?? '');
  const next = toggleToken(filter, 'host', host.name);
  return (
    <button
      type="button"
      className="host-cell dim truncate"
      tabIndex={-1}
      data-tip={t(next.length > filter.length ? 'hosts.only' : 'hosts.allAgain', { name: host.name })}
      data-testid={`host-cell-${host.id}`}
      onClick={(event) => {
        event.stopPropagation();
        setFilter(page, next);
      }}
    >
      {host.name}
    </button>
  );
}
