import { RefreshCw } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { FoundOnMachine } from '../../../electron/ipc/contract.ts';
import { Button } from '../../ui/Button.tsx';
import { TextInput } from '../../ui/Field.tsx';
import { CommandLine } from '../../ui/Panels.tsx';
import { StateBadge } from '../../ui/StateBadge.tsx';

/** Reasons with a sentence of their own. */
const reasons = new Set<string>(['permission', 'socket-missing', 'refused', 'ssh-forwarding']);
const tones = { usable: 'running', permission: 'attention', off: 'idle' } as const;

function engineName({ product, version }: FoundOnMachine, t: (key: string) => string): string {
  return product === 'unknown' ? t('hosts.engine') : `${product} ${version}`.trim();
}

/** The engines of a machine: those that answer to choose from, the others with what would make them. */
export function EngineChoice({
  engines,
  chosen,
  onChoose,
  onLookAgain,
}: {
  engines: FoundOnMachine[];
  /** A socket's path. */
  chosen: string;
  onChoose: (socketPath: string) => void;
  onLookAgain: (socketPath?: string) => void;
}) {
  const { t } = useTranslation();
  const [path, setPath] = useState('');
  const usable = engines.filter(({ state }) => state === 'usable');
  const others = engines.filter(({ state }) => state !== 'usable');
  return (
    <div className="field" data-testid="engines">
      <span className="label">{t('connect.engines')}</span>
      {usable.length > 0 && (
        <ul className="found">
          {usable.map((engine) => (
            <li key={engine.socketPath}>
              <button
                type="button"
                aria-pressed={engine.socketPath === chosen}
                data-testid={`engine-${engine.product}`}
                onClick={() => onChoose(engine.socketPath)}
              >
                <StateBadge tone="running" text={engineName(engine, t)} />
                <span className="mono dim truncate">{engine.socketPath}</span>
                {engine.rootless && <span className="dim">{t('connect.rootless')}</span>}
                {engine.byCommand && (
                  <span className="dim" data-tip={t('connect.byCommandWhy')}>
                    {t('connect.byCommand')}
                  </span>
                )}
              </button>
            </li>
          ))}
        </ul>
      )}
      {usable.length === 0 && <Unusable engines={others} />}
      {usable.length > 0 && others.length > 0 && (
        <details className="more-engines">
          <summary>{t('connect.others', { count: others.length })}</summary>
          <Unusable engines={others} />
        </details>
      )}
      {engines.length === 0 && <p className="dim">{t('connect.noEngine')}</p>}
      <form
        className="other-socket"
        onSubmit={(event) => {
          event.preventDefault();
          onLookAgain(path.trim() || undefined);
        }}
      >
        <TextInput
          mono
          aria-label={t('connect.otherSocket')}
          placeholder={t('connect.otherSocket')}
          data-testid="other-socket"
          value={path}
          onChange={setPath}
        />
        <Button type="submit" icon={RefreshCw} data-testid="look-again">
          {t('connect.lookAgain')}
        </Button>
      </form>
    </div>
  );
}

function Unusable({ engines }: { engines: FoundOnMachine[] }) {
  const { t } = useTranslation();
  return (
    <ul className="unusable">
      {engines.map((engine) => (
        <li key={engine.socketPath}>
          <div className="unusable-head">
            <StateBadge tone={tones[engine.state]} text={engineName(engine, t)} />
            <span className="mono dim truncate">{engine.socketPath}</span>
          </div>
          {engine.error && (
            <p className="prose">
              {t(`connect.why.${reasons.has(engine.error.code) ? engine.error.code : 'other'}`, { ...engine.error.values })}
            </p>
          )}
          {engine.error?.fix && (
            <>
              <CommandLine command={engine.error.fix} />
              {engine.state === 'permission' && <p className="dim">{t('connect.signInAnew')}</p>}
            </>
          )}
        </li>
      ))}
    </ul>
  );
}
