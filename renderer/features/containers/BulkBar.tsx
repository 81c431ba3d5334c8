import { CopyPlus, Play, RotateCw, Trash2, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useHosts } from '../../lib/queries.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { StopIcon } from '../../ui/StopIcon.ts';
import { openTransfer } from '../transfer/index.ts';
import { act } from './actions.ts';
import { containerSource } from './menu.ts';
import { removeContainers } from './remove.ts';
import type { ContainerRow } from './row.ts';

/** What several containers have in common. */
export function BulkBar({ rows, onClear }: { rows: ContainerRow[]; onClear: () => void }) {
  const { t } = useTranslation();
  const many = useHosts().length > 1;
  const stopped = rows.filter((r) => !r.running);
  const running = rows.filter((r) => r.running);
  return (
    <>
      <span className="num bulk-count">{t('bulk.selected', { count: rows.length })}</span>
      <Button tone="ghost" icon={Play} disabled={stopped.length === 0} onClick={() => void act('start', stopped)}>
        {t('action.start')}
      </Button>
      <Button tone="ghost" icon={StopIcon} disabled={running.length === 0} onClick={() => void act('stop', running)}>
        {t('action.stop')}
      </Button>
      <Button tone="ghost" icon={RotateCw} onClick={() => void act('restart', rows)}>
        {t('action.restart')}
      </Button>
      {many && (
        <Button tone="ghost" icon={CopyPlus} data-testid="bulk-copy" onClick={() => openTransfer(rows.map(containerSource))}>
          {t('bulk.copyTo')}
        </Button>
      )}
      <Button
        tone="ghost"
        icon={Trash2}
        className="bulk-delete"
        data-testid="bulk-delete"
        onClick={() =>
          void removeContainers(rows).then((removed) => {
            if (removed) onClear();
          })
        }
      >
        {t('bulk.delete', { count: rows.length })}
      </Button>
      <IconButton icon={X} name={t('bulk.clear')} keys="Esc" onClick={onClear} />
    </>
  );
}
