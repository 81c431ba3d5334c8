import { Play, RotateCw } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button } from '../../ui/Button.tsx';
import { StopIcon } from '../../ui/StopIcon.ts';
import { Bulk, type List } from '../list/index.ts';
import { act } from './actions.ts';
import { containerSource } from './menu.ts';
import { removeContainers } from './remove.ts';
import type { ContainerRow } from './row.ts';

/** What several containers have in common. */
export function BulkBar({ list }: { list: List<ContainerRow> }) {
  const { t } = useTranslation();
  const rows = list.chosen;
  const stopped = rows.filter((r) => !r.running);
  const running = rows.filter((r) => r.running);
  return (
    <Bulk
      list={list}
      count={t('bulk.selected', { count: rows.length })}
      sourceOf={containerSource}
      deleteLabel={t('bulk.delete', { count: rows.length })}
      onDelete={removeContainers}
    >
      <Button tone="ghost" icon={Play} disabled={stopped.length === 0} onClick={() => void act('start', stopped)}>
        {t('action.start')}
      </Button>
      <Button tone="ghost" icon={StopIcon} disabled={running.length === 0} onClick={() => void act('stop', running)}>
        {t('action.stop')}
      </Button>
      <Button tone="ghost" icon={RotateCw} onClick={() => void act('restart', rows)}>
        {t('action.restart')}
      </Button>
    </Bulk>
  );
}
