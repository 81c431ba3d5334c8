import { type DragEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { TransferSource } from '../../../electron/ipc/contract.ts';
import { useHosts } from '../../lib/queries.ts';
import './drop.css';
import { endDrag, useDragged } from './drag.ts';
import { type Target, targetsOf } from './targets.ts';
import { nameOfAll, openTransfer } from './transfers.ts';

/** The hosts that a dragged row can be dropped on; over the rail while something is dragged. By the keyboard the same is in its menu. */
export function DropHosts() {
  const sources = useDragged((s) => s.sources);
  return sources.length > 0 && <Hosts sources={sources} />;
}

function Hosts({ sources }: { sources: TransferSource[] }) {
  const { t } = useTranslation();
  const hosts = useHosts();
  const [over, setOver] = useState<string>();
  const [move, setMove] = useState(false);
  useEffect(() => {
    // A row that has gone meanwhile says nothing at the end of its drag; while one lasts, no pointer moves.
    window.addEventListener('pointermove', endDrag);
    window.addEventListener('dragend', endDrag);
    return () => {
      window.removeEventListener('pointermove', endDrag);
      window.removeEventListener('dragend', endDrag);
    };
  }, []);
  const targets = targetsOf(hosts, sources);
  const drop = (to: string, event: DragEvent) => {
    event.preventDefault();
    endDrag();
    openTransfer(sources, event.shiftKey, to);
  };
  const props = ({ host, unfit }: Target) =>
    unfit
      ? {}
      : {
          onDragEnter: () => setOver(host.id),
          onDragLeave: (event: DragEvent) => {
            if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver((now) => (now === host.id ? undefined : now));
          },
          onDragOver: (event: DragEvent) => {
            event.preventDefault();
            event.dataTransfer.dropEffect = event.shiftKey ? 'move' : 'copy';
            setMove(event.shiftKey);
          },
          onDrop: (event: DragEvent) => drop(host.id, event),
        };
  return (
    <section className="drop" aria-label={t('transfer.drop')} data-testid="drop-hosts">
      <h2>{t(move ? 'transfer.dropMove' : 'transfer.dropCopy', { name: nameOfAll(sources) })}</h2>
      <ul>
        {targets.map((target) => {
          const { host, unfit } = target;
          return (
            <li
              key={host.id}
              className={`drop-host ${unfit ? 'unfit' : ''} ${over === host.id ? 'over' : ''}`}
              data-testid={`drop-${host.id}`}
              {...props(target)}
            >
              <span className="host-dot" style={{ background: `var(--host-${host.colour})` }} aria-hidden />
              <span className="truncate">{host.name}</span>
              {unfit && <span className="drop-why">{t(`transfer.unfit.${unfit}`)}</span>}
            </li>
          );
        })}
      </ul>
      <p>{t('transfer.dropHint')}</p>
    </section>
  );
}
