import { ChevronDown, Link2, ScrollText, SquareTerminal, X } from 'lucide-react';
import { Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useContainers } from '../features/containers/index.ts';
import { LogView } from '../features/logs/index.ts';
import { TerminalView, useTerminals } from '../features/terminal/index.ts';
import { gantry } from '../lib/bridge.ts';
import { useHosts } from '../lib/queries.ts';
import { closeDockLogs, toggleDock, useScreen } from '../lib/screen.ts';
import { useRemembered } from '../lib/settings.ts';
import { IconButton } from '../ui/Button.tsx';
import { Splitter } from '../ui/Splitter.tsx';

/** Terminals and logs of any host, across pages. */
export function Dock() {
  const { t } = useTranslation();
  const terminals = useTerminals();
  const { dockLogs, dockTab } = useScreen();
  const hosts = useHosts();
  const { rows } = useContainers(hosts);
  const [saved, save] = useRemembered('dockHeight', 260);
  const [height, setHeight] = useState(saved);
  const tabs = [
    ...terminals.map((terminal) => ({
      key: `t:${terminal.id}`,
      name: `${terminal.title || t('terminal.shell')} · ${terminal.containerName || hosts.find(({ id }) => id === terminal.hostId)?.name}`,
      host: terminal.hostId,
      icon: terminal.mode === 'attach' ? Link2 : SquareTerminal,
      close: () => void gantry().terminals.close(terminal.id),
    })),
    ...dockLogs.map((c) => ({
      key: `l:${c.host}/${c.id}`,
      name: c.name,
      host: c.host,
      icon: ScrollText,
      close: () => closeDockLogs(`${c.host}/${c.id}`),
    })),
  ];
  const shown = tabs.find((tab) => tab.key === dockTab) ?? tabs[0];
  const log = dockLogs.find((c) => shown?.key === `l:${c.host}/${c.id}`);
  const max = Math.max(160, window.innerHeight - 240);
  const size = Math.min(height, max);
  return (
    <>
      <Splitter label={t('dock.resize')} direction="row" size={size} min={120} max={max} onResize={setHeight} onDone={save} />
      <section className="dock" style={{ height: size }} aria-label={t('dock.title')} data-testid="dock">
        <div className="subtabs" role="tablist" aria-label={t('dock.title')}>
          {tabs.map((tab) => (
            <span key={tab.key} className={`subtab ${tab === shown ? 'active' : ''}`}>
              <button type="button" role="tab" aria-selected={tab === shown} onClick={() => useScreen.setState({ dockTab: tab.key })}>
                <tab.icon size={13} aria-hidden />
                {hosts.length > 1 && (
                  <span
                    className="host-dot"
                    style={{ background: `var(--host-${hosts.find((h) => h.id === tab.host)?.colour ?? 'grey'})` }}
                  />
                )}
                {tab.name}
              </button>
              <IconButton small icon={X} name={t('dock.closeTab', { name: tab.name })} onClick={tab.close} />
            </span>
          ))}
          <span className="grow" />
          <IconButton small icon={ChevronDown} name={t('dock.close')} keys="Mod+`" onClick={toggleDock} />
        </div>
        {!shown && <div className="dock-empty dim">{t('dock.empty')}</div>}
        <Suspense>
          {shown?.key.startsWith('t:') && <TerminalView key={shown.key} id={shown.key.slice(2)} />}
          {log && (
            <LogView
              key={`${log.host}/${log.id}`}
              host={log.host}
              id={log.id}
              name={log.name}
              running={rows.find((r) => r.host.id === log.host && r.id === log.id)?.running ?? false}
            />
          )}
        </Suspense>
      </section>
    </>
  );
}
