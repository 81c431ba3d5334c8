import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { FoundEngine, HostSuggestion } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { Spinner } from '../../ui/Spinner.tsx';
import { StateBadge } from '../../ui/StateBadge.tsx';

/** What can be chosen instead of typing: machines that the user has named elsewhere, engines of this machine. */
export function HostPlaces({
  typed,
  onMachine,
  onEngine,
}: {
  /** What is in the field: only what fits it is shown. */
  typed: string;
  onMachine: (suggestion: HostSuggestion) => void;
  onEngine: (engine: FoundEngine) => void;
}) {
  const { t } = useTranslation();
  const fresh = { staleTime: 0, gcTime: 0 } as const;
  const engines = useQuery({ queryKey: ['detect'], queryFn: () => gantry().hosts.detect(), ...fresh });
  const machines = useQuery({ queryKey: ['suggestions'], queryFn: () => gantry().hosts.suggestions(), ...fresh });
  const word = typed.trim().toLowerCase();
  const isPath = word.startsWith('/');
  const fits = (...texts: string[]) => word === '' || texts.some((text) => text.toLowerCase().includes(word));
  const of = (source: HostSuggestion['source']) =>
    isPath ? [] : (machines.data ?? []).filter((machine) => machine.source === source && fits(machine.name, machine.detail));
  return (
    <div className="places">
      {(['ssh', 'docker'] as const).map((source) => (
        <Place key={source} title={t(`hosts.from.${source}`)} shown={of(source).length > 0}>
          {of(source).map((machine) => (
            <li key={machine.name}>
              <button type="button" data-testid={`suggestion-${machine.name}`} onClick={() => onMachine(machine)}>
                <span className="place-name truncate">{machine.name}</span>
                <span className="mono dim truncate">{machine.detail}</span>
              </button>
            </li>
          ))}
        </Place>
      ))}
      <Place title={t('hosts.found')} shown={engines.isPending || word === '' || isPath}>
        {engines.isPending ? (
          <li className="dim found-none">
            <Spinner /> {t('hosts.looking')}
          </li>
        ) : (engines.data ?? []).length === 0 ? (
          <li className="dim found-none">{t('hosts.foundNone')}</li>
        ) : (
          (engines.data ?? []).map((engine) => (
            <li key={engine.socketPath}>
              <button type="button" aria-pressed={typed.trim() === engine.socketPath} onClick={() => onEngine(engine)}>
                <StateBadge
                  tone={engine.reachable ? 'running' : 'attention'}
                  text={engine.product === 'unknown' ? t('hosts.engine') : `${engine.product} ${engine.version}`}
                />
                <span className="mono dim truncate">{engine.socketPath}</span>
                {!engine.reachable && <span className="dim">{t('hosts.unreachable')}</span>}
              </button>
            </li>
          ))
        )}
      </Place>
    </div>
  );
}

function Place({ title, shown, children }: { title: string; shown: boolean; children: ReactNode }) {
  if (!shown) return null;
  return (
    <div className="field">
      <span className="label">{title}</span>
      <ul className="found">{children}</ul>
    </div>
  );
}
