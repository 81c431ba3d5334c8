import { useQuery } from '@tanstack/react-query';
import { ArrowRightLeft, CopyPlus, Download } from 'lucide-react';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { UnderWay } from '../../electron/ipc/contract.ts';
import { gantry } from '../lib/bridge.ts';
import { keys } from '../lib/client.ts';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';

/** Before the app ends in the midst of work: what is under way, and what becomes of it. The focus is on Stay. */
export function LeavingDialog() {
  const { t } = useTranslation();
  const stay = useRef<HTMLButtonElement>(null);
  const things = useQuery({ queryKey: keys.leaving, queryFn: () => gantry().app.leaving(), staleTime: 0 }).data;
  if (!things || things.length === 0) return null;
  const isCarried = things.some(({ kind }) => kind === 'transfer');
  const isInstalled = things.some(({ kind }) => kind === 'install');
  const answer = (yes: boolean) => void gantry().app.leave(yes);
  return (
    <Dialog
      title={t('leaving.title', { count: things.length })}
      width={480}
      testId="leaving"
      onClose={() => answer(false)}
      onOpenAutoFocus={(event) => {
        event.preventDefault();
        stay.current?.focus();
      }}
      footer={
        <>
          <Button data-testid="leaving-yes" onClick={() => answer(true)}>
            {t(isInstalled ? 'leaving.leave' : 'leaving.later')}
          </Button>
          <Button ref={stay} tone="primary" data-testid="leaving-no" onClick={() => answer(false)}>
            {t('leaving.stay')}
          </Button>
        </>
      }
    >
      <ul className="leaving-things">
        {things.map((thing) => (
          <li key={sentenceOf(thing, t)}>
            <Icon thing={thing} />
            <span>{sentenceOf(thing, t)}</span>
          </li>
        ))}
      </ul>
      {isCarried && <p className="prose question-text">{t('leaving.carried')}</p>}
      {isInstalled && <p className="prose question-text">{t('leaving.installed')}</p>}
      <p className="prose question-text dim">{t('leaving.byItself')}</p>
    </Dialog>
  );
}

function Icon({ thing }: { thing: UnderWay }) {
  const Shown = thing.kind === 'install' ? Download : thing.move ? ArrowRightLeft : CopyPlus;
  return <Shown size={15} strokeWidth={1.8} aria-hidden />;
}

function sentenceOf(thing: UnderWay, t: (key: string, values?: Record<string, string | number>) => string): string {
  if (thing.kind === 'install') return t(`leaving.${thing.action}`, { name: thing.machine });
  const [only] = thing.names;
  const what = only !== undefined && thing.names.length === 1 ? only : t(`transfer.things.${thing.thing}`, { count: thing.names.length });
  return t(thing.move ? 'leaving.move' : 'leaving.copy', { what, host: thing.to });
}
