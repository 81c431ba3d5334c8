import { useTranslation } from 'react-i18next';
import { gantry } from '../../lib/bridge.ts';
import '../../ui/badge.css';
import { type PublishedPort, portText } from './row.ts';

/** Published TCP ports open in the browser; the others are words. `room`: characters before "+2" says the rest; one port at least. */
export function PortChips({ ports, room = 30 }: { ports: PublishedPort[]; room?: number }) {
  const { t } = useTranslation();
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
      {shown.slice(0, max).map((port) => {
        const text = portText(port);
        if (port.public === undefined || port.type !== 'tcp') {
          return (
            <span key={text} className={port.public === undefined ? 'dim mono' : 'chip'}>
              {text}
            </span>
          );
        }
        const url = `http://localhost:${port.public}`;
        return (
          <button
            key={text}
            type="button"
            className="chip"
            tabIndex={-1}
            data-testid={`port-${port.public}`}
            data-tip={t('port.open', { url })}
            aria-label={t('port.open', { url })}
            onClick={(event) => {
              event.stopPropagation();
              void gantry().shell.openExternal(url);
            }}
          >
            {text}
          </button>
        );
      })}
      {rest.length > 0 && (
        <span className="dim" data-tip={rest.map(portText).join('  ')}>
          +{rest.length}
        </span>
      )}
    </>
  );
}
