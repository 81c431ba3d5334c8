import { Check } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { formatSize } from '../../lib/format.ts';
import { Progress } from '../../ui/Progress.tsx';
import './activity.css';
import { pullTotal } from './progress.ts';
import type { Pull } from './store.ts';

/** Layers as thin bars, total, rate, time left. */
export function PullProgress({ pull }: { pull: Pull }) {
  const { t } = useTranslation();
  const { current, total, fraction } = pullTotal(pull.state);
  const left = pull.rate > 0 && total > current ? Math.ceil((total - current) / pull.rate) : 0;
  return (
    <div className="pull" data-testid="pull-progress">
      <div className="pull-total">
        <Progress
          value={pull.status === 'done' ? 1 : fraction}
          label={t('pull.total')}
          tone={pull.status === 'done' ? 'done' : pull.status === 'running' ? 'accent' : 'failed'}
        />
        <div className="pull-numbers num">
          <span>{t(pull.status === 'running' && pull.state.layers.length === 0 ? 'pull.connecting' : `pull.${pull.status}`)}</span>
          <span className="dim">
            {total > 0 && t('pull.bytes', { current: formatSize(current), total: formatSize(total) })}
            {pull.rate > 0 && ` · ${formatSize(pull.rate)}/s`}
            {left > 1 && ` · ${t('pull.left', { seconds: left })}`}
          </span>
        </div>
      </div>
      {pull.state.layers.length > 0 && (
        <ul className="pull-layers" aria-label={t('pull.layers')}>
          {pull.state.layers.map((layer) => {
            const done = layer.phase === 'done' || layer.phase === 'exists';
            const value = done ? 1 : layer.total > 0 ? layer.current / layer.total : layer.phase === 'waiting' ? 0 : null;
            return (
              <li key={layer.id}>
                <span className="mono">{layer.id.slice(0, 12)}</span>
                <Progress value={value} label={t('pull.layer', { id: layer.id })} tone={done ? 'done' : 'accent'} />
                <span className="dim num pull-phase">
                  {layer.phase === 'downloading' && layer.total > 0
                    ? `${formatSize(layer.current)} / ${formatSize(layer.total)}`
                    : t(`layer.${layer.phase}`)}
                  {done && <Check size={12} aria-hidden />}
                </span>
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
}
