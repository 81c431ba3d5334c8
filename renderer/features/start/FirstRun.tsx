import { useQuery } from '@tanstack/react-query';
import { Box, Download, Play, Server } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Host } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { type Explanation, explain } from '../../lib/explain.ts';
import { openDialog } from '../../lib/screen.ts';
import { Button } from '../../ui/Button.tsx';
import { ErrorPanel } from '../../ui/Panels.tsx';
import './start.css';
import { openStarter, starterHost } from './starter.ts';

/** The page with no containers: one large button, and the ways on. */
export function FirstRun({ hosts }: { hosts: Host[] }) {
  const { t } = useTranslation();
  const info = useQuery({ queryKey: ['app'], queryFn: () => gantry().app.info() }).data;
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Explanation | null>(null);
  const host = starterHost(hosts, info);
  const starter = host !== undefined;

  const run = async () => {
    if (!host) return;
    setBusy(true);
    setError(null);
    try {
      await openStarter(host);
    } catch (failure) {
      setError(explain(failure));
    } finally {
      setBusy(false);
    }
  };

  return (
    <div className="start" data-testid="first-run">
      <div className="start-icon">
        <Box size={30} strokeWidth={1.4} aria-hidden />
      </div>
      <h2>{t('start.title')}</h2>
      <p className="prose">{starter ? t('start.text') : t('start.textNoStarter')}</p>
      {starter ? (
        <Button tone="primary" large icon={Play} busy={busy} data-testid="run-starter" onClick={() => void run()}>
          {busy ? t('start.running') : t('start.run')}
        </Button>
      ) : (
        <Button tone="primary" large icon={Download} onClick={() => openDialog({ type: 'pull' })}>
          {t('start.pull')}
        </Button>
      )}
      {error && <ErrorPanel title={t('start.failed')} {...error} />}
      <div className="start-ways">
        {starter && (
          <button type="button" onClick={() => openDialog({ type: 'pull' })}>
            <Download size={17} strokeWidth={1.7} aria-hidden />
            <strong>{t('start.pull')}</strong>
            <span>{t('start.pullText')}</span>
          </button>
        )}
        <button type="button" onClick={() => openDialog({ type: 'run' })}>
          <Play size={17} strokeWidth={1.7} aria-hidden />
          <strong>{t('start.paste')}</strong>
          <span>{t('start.pasteText')}</span>
        </button>
        <button type="button" onClick={() => openDialog({ type: 'add-host' })}>
          <Server size={17} strokeWidth={1.7} aria-hidden />
          <strong>{t('start.host')}</strong>
          <span>{t('start.hostText')}</span>
        </button>
      </div>
    </div>
  );
}
