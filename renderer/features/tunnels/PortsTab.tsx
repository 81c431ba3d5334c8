import { Cable, X } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Host } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { hasTunnels, reachOf } from '../../lib/tcp-host.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { TextField } from '../../ui/Field.tsx';
import { TunnelAddress } from './TunnelAddress.tsx';
import './tunnels.css';
import { openTunnel, troubleText, useTunnels } from './tunnels.ts';

interface ContainerPort {
  public: number | undefined;
  private: number;
  type: string;
  ip: string | undefined;
}
interface PortsTabProps {
  host: Host;
  id: string;
  name: string;
  running: boolean;
  ports: ContainerPort[];
}

/** A container's ports: where each is published, and one click to have it on this machine's localhost. */
export function PortsTab({ host, id, name, running, ports }: PortsTabProps) {
  const { t } = useTranslation();
  const [other, setOther] = useState('');
  const [busy, setBusy] = useState<number>();
  const mine = useTunnels().filter((tunnel) => tunnel.hostId === host.id && (tunnel.containerId === id || tunnel.containerName === name));
  const extra = mine.filter((tunnel) => !ports.some((port) => port.type === 'tcp' && port.private === tunnel.port));
  const rows: ContainerPort[] = [...ports, ...extra.map(({ port }) => ({ public: undefined, private: port, type: 'tcp', ip: undefined }))];
  const number = /^\d{1,5}$/.test(other.trim()) ? Number(other.trim()) : 0;
  const invalid = other.trim() !== '' && (number < 1 || number > 65535);

  const open = async (port: number) => {
    setBusy(port);
    await openTunnel({ host: host.id, id, name }, port, true);
    setBusy(undefined);
  };

  return (
    <div className="ports" data-testid="ports">
      {rows.length === 0 && <p className="dim">{t('tunnel.empty')}</p>}
      {rows.length > 0 && (
        <table>
          <thead>
            <tr>
              <th>{t('tunnel.port')}</th>
              <th>{t('tunnel.published')}</th>
              <th>{t('tunnel.address')}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((port) => {
              const tunnel =
                port.type === 'tcp' ? mine.find((candidate) => candidate.port === port.private && candidate.state === 'open') : undefined;
              const at = port.public === undefined ? undefined : reachOf(host, port.ip);
              const url = `http://${at}:${port.public}`;
              return (
                <tr key={`${port.private}/${port.type} ${port.public ?? ''}`} data-testid={`port-row-${port.private}`}>
                  <td className="mono">{`${port.private}/${port.type}`}</td>
                  <td className={port.public === undefined ? 'dim' : 'mono dim'}>
                    {port.public === undefined ? t('tunnel.publishedNot') : `${port.ip || '*'}:${port.public}`}
                  </td>
                  <td>
                    {tunnel ? (
                      <>
                        <div className="port-here">
                          <TunnelAddress tunnel={tunnel} />
                          <IconButton
                            small
                            icon={X}
                            name={t('tunnel.stop')}
                            data-testid={`tunnel-stop-${port.private}`}
                            onClick={() => void gantry().tunnels.stop(tunnel.id)}
                          />
                        </div>
                        {tunnel.trouble && <p className="tunnel-trouble">{troubleText(tunnel.trouble)}</p>}
                      </>
                    ) : port.type !== 'tcp' ? (
                      <span className="dim">{t('tunnel.udp')}</span>
                    ) : at !== undefined ? (
                      <button
                        type="button"
                        className="chip"
                        aria-label={t('port.open', { url })}
                        data-tip={t('tunnel.browse')}
                        onClick={() => void gantry().shell.openExternal(url)}
                      >
                        {`${at}:${port.public}`}
                      </button>
                    ) : !hasTunnels(host) ? (
                      <span className="dim">–</span>
                    ) : (
                      <Button
                        icon={Cable}
                        disabled={!running}
                        busy={busy === port.private}
                        data-testid={`tunnel-start-${port.private}`}
                        onClick={() => void open(port.private)}
                      >
                        {t('tunnel.open')}
                      </Button>
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
      {!running && <p className="dim">{t('tunnel.stopped')}</p>}
      {hasTunnels(host) ? (
        <form
          className="ports-other"
          onSubmit={(event) => {
            event.preventDefault();
            if (!running || number === 0 || invalid) return;
            setOther('');
            void open(number);
          }}
        >
          <TextField
            label={t('tunnel.other')}
            hint={t('tunnel.otherHint')}
            error={invalid ? t('tunnel.otherInvalid') : undefined}
            inputMode="numeric"
            placeholder="5432"
            data-testid="tunnel-port"
            value={other}
            onChange={setOther}
            beside={
              <Button type="submit" icon={Cable} disabled={!running || number === 0 || invalid} data-testid="tunnel-port-open">
                {t('tunnel.open')}
              </Button>
            }
          />
        </form>
      ) : (
        <p className="dim">{t('tunnel.overTcp')}</p>
      )}
    </div>
  );
}
