import { Play, RotateCw, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../../ui/Button.tsx';
import { StopIcon } from '../../ui/StopIcon.ts';
import { act } from './actions.ts';
import { removeContainers } from './remove.ts';
import type { ContainerRow } from './row.ts';

export function GroupLabel({ project, rows, host }: { project: string; rows: ContainerRow[]; host?: string | undefined }) {
  const { t } = useTranslation();
  const running = rows.filter((r) => r.running).length;
  return (
    <>
      <span className="truncate">{project}</span>
      <span className="tag">compose</span>
      <span className="dim num" data-tip={t('group.count', { n: running, m: rows.length })}>
        {running}/{rows.length}
      </span>
      {host && <span className="dim group-host truncate">{host}</span>}
    </>
  );
}

export function GroupActions({ project, rows }: { project: string; rows: ContainerRow[] }) {
  const { t } = useTranslation();
  const stopped = rows.filter((r) => !r.running);
  const running = rows.filter((r) => r.running);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keeps clicks on buttons from folding the group
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid has the keyboard
    <div className="row-actions" onClick={(event) => event.stopPropagation()}>
      {stopped.length > 0 && (
        <IconButton tabIndex={-1} icon={Play} name={t('group.start', { project })} onClick={() => void act('start', stopped)} />
      )}
      {running.length > 0 && (
        <IconButton tabIndex={-1} icon={StopIcon} name={t('group.stop', { project })} onClick={() => void act('stop', running)} />
      )}
      <IconButton tabIndex={-1} icon={RotateCw} name={t('group.restart', { project })} onClick={() => void act('restart', rows)} />
      <IconButton
        tabIndex={-1}
        tone="danger"
        icon={Trash2}
        name={t('group.delete', { project })}
        onClick={() => void removeContainers(rows)}
      />
    </div>
  );
}
