import { useQuery } from '@tanstack/react-query';
import { Play, TriangleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerInspect } from '../../../../helper/contract/docker/index.ts';
import { engineFetch } from '../../../lib/engine.ts';
import { formatMemory } from '../../../lib/format.ts';
import { useStops } from '../../../lib/stops.ts';
import { Button } from '../../../ui/Button.tsx';
import { act } from '../actions.ts';
import type { ContainerRow } from '../row.ts';
import { reasonOf } from '../state.ts';

/** Takes frames (8-byte header, payload) or raw TTY output apart. Source: Docker API, attach stream format. */
export function logText(bytes: Uint8Array, tty: boolean): string {
  if (tty) return new TextDecoder().decode(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder();
  let text = '';
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4);
    text += decoder.decode(bytes.subarray(at + 8, at + 8 + length), { stream: true });
    at += 8 + length;
  }
  return text;
}

function useLastLines(row: ContainerRow, tty: boolean, finishedAt: string, enabled: boolean) {
  return useQuery({
    queryKey: ['host', row.host.id, 'last-lines', row.id, finishedAt],
    queryFn: async ({ signal }) => {
      const response = await engineFetch(row.host.id, `/containers/${row.id}/logs?stdout=1&stderr=1&tail=8`, { signal });
      return logText(new Uint8Array(await response.arrayBuffer()), tty).trimEnd();
    },
    enabled,
    retry: false,
  });
}

/** One card: the cause in a sentence, evidence, remedies. Nothing for containers that ended well. */
export function WhyStopped({ row, inspect }: { row: ContainerRow; inspect: ContainerInspect }) {
  const { t } = useTranslation();
  const stopped = useStops((s) => s.stopped.has(row.key));
  const why = reasonOf(inspect.State);
  const shown = why !== undefined && !(stopped && why.reason !== 'oom');
  const lines = useLastLines(row, inspect.Config.Tty ?? false, inspect.State.FinishedAt, shown);
  if (!shown) return null;
  const command = [inspect.Path, ...(inspect.Args ?? [])].join(' ');
  const values = {
    code: inspect.State.ExitCode,
    signal: why.signal,
    command,
    limit: inspect.HostConfig.Memory ? formatMemory(inspect.HostConfig.Memory) : '',
  };
  const health = inspect.State.Health?.Log?.at(-1)?.Output?.trim();
  return (
    <section className="why" aria-label={t('why.title')} data-testid="why">
      <div className="why-body">
        <h3>
          <TriangleAlert size={15} aria-hidden />
          {t(`why.${why.reason}`, values)}
        </h3>
        <p className="prose">{t(`why.${why.reason}Text`, values)}</p>
        {inspect.State.Error && <pre className="select">{inspect.State.Error}</pre>}
        {health && <pre className="select">{health}</pre>}
        {lines.data && <pre className="select">{lines.data.slice(-2000)}</pre>}
        <div className="why-actions">
          <Button icon={Play} onClick={() => void act('start', [row])}>
            {t('why.startAgain')}
          </Button>
        </div>
      </div>
    </section>
  );
}
