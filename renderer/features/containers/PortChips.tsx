import { Cable } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { gantry } from '../../lib/bridge.ts';
import '../../ui/badge.css';
import { hasTunnels, reachOf } from '../../lib/tcp-host.ts';
import { browse, openTunnel, tunnelAddress, useTunnels } from '../tunnels/index.ts';
import { type ContainerRow, type PublishedPort, portText } from './row.ts';

/**
 * Published TCP ports open in the browser, those of another machine through a tunnel; what is not published gets a tunnel by a click, too.
 * `room`: characters before "+2" says the rest; one port at least.
 */
export function PortChips({ row, ports, room = 30 }: { row: ContainerRow; ports: PublishedPort[]; room?: number }) {
  const published = ports.filter((p) => p.public !== undefined);
  const shown = published.length > 0 ? published : ports;
  let max = 0;
  for (let used = 0; max < shown.length; max++) {
    used += portText(shown[max] as PublishedPort).length + 2;
    if (used > room && max > 0) break;
  }
  const rest = shown.slice(max);
  return (
    <>
      {shown.slice(0, max).map((port) => (
        <PortChip key={portText(port)} row={row} port={port} />
      ))}
      {rest.length > 0 && (
        <span className="dim" data-tip={rest.map(portText).join('  ')}>
          +{rest.length}
        </span>
      )}
    </>
  );
}

function PortChip({ row, port }: { row: ContainerRow; port: PublishedPort }) {
  const { t } = useTranslation();
  const tunnel = useTunnels().find(
    ({ hostId, containerId, port: at, state }) =>
      state === 'open' && hostId === row.host.id && containerId === row.id && port.type === 'tcp' && at === port.private,
  );
  const at = port.public === undefined ? undefined : reachOf(row.host, port.ip);
  const here = at !== undefined;
  const text = portText(port);
  if (port.type !== 'tcp' || (!here && !(row.running && hasTunnels(row.host)))) {
    return <span className={port.public === undefined ? 'dim mono' : 'chip'}>{text}</span>;
  }
  const url = here ? `http://${at}:${port.public}` : tunnel ? `http://${tunnelAddress(tunnel)}` : undefined;
  const tip = url ? t('port.open', { url }) : t('port.tunnel', { port: port.private });
  return (
    <button
      type="button"
      className={`chip ${url ? '' : 'quiet'}`}
      tabIndex={-1}
      data-testid={`port-${port.public ?? port.private}`}
      data-tip={tip}
      aria-label={tip}
      onClick={(event) => {
        event.stopPropagation();
        if (here && url) void gantry().shell.openExternal(url);
        else if (tunnel) browse(tunnel);
        else void openTunnel({ host: row.host.id, id: row.id, name: row.name }, port.private);
      }}
    >
      {!here && tunnel ? (
        <>
          <Cable size={12} aria-hidden />
          {`${tunnel.localPort}→${port.private}`}
        </>
      ) : (
        text
      )}
    </button>
  );
}
