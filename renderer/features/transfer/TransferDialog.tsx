import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { requestOf } from '../../../electron/ipc/contract/transfer-request.ts';
import type { Transfer, TransferSource } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { explain } from '../../lib/explain.ts';
import { useHosts } from '../../lib/queries.ts';
import { TextField } from '../../ui/Field.tsx';
import { ErrorPanel, Skeleton } from '../../ui/Panels.tsx';
import { Segmented } from '../../ui/Segmented.tsx';
import { HostField } from '../hosts/index.ts';
import { FormFrame } from './Frames.tsx';
import { Options } from './Options.tsx';
import { Preview } from './Preview.tsx';
import { Running } from './Running.tsx';
import { targetsOf } from './targets.ts';
import { type Choices, mayLeave, problemOf, transferPlanQuery, useTransfers } from './transfers.ts';

interface TransferDialogProps {
  source?: TransferSource | undefined;
  move?: boolean | undefined;
  /** The target's id, when it is known already. */
  to?: string | undefined;
  /** One that is under way, or was. */
  activity?: string | undefined;
}

/** Copies or moves something to another host: where to, what travels, then how far it is. */
export function TransferDialog({ source, move = false, to, activity }: TransferDialogProps) {
  const [running, setRunning] = useState(activity);
  const transfer = useTransfers().find(({ id }) => id === running);
  const [again, setAgain] = useState<Transfer>();
  if (transfer) {
    const onAgain = () => {
      setAgain(transfer);
      setRunning(undefined);
    };
    return <Running transfer={transfer} onAgain={onAgain} />;
  }
  const what = again?.source ?? source;
  if (!what || running !== undefined) return null;
  return <TransferForm source={what} move={again?.move ?? move} to={again?.to ?? to} onStarted={setRunning} />;
}

interface TransferFormProps {
  source: TransferSource;
  move: boolean;
  to: string | undefined;
  onStarted: (id: string) => void;
}

function TransferForm({ source, move, to, onStarted }: TransferFormProps) {
  const { t } = useTranslation();
  const all = useHosts();
  const from = all.find(({ id }) => id === source.hostId);
  // Deleting there needs its name, typed for each thing: by hand, when the new one has proved itself.
  const isProduction = from?.production === true;
  const isReadOnly = from?.readOnly === true;
  const targets = targetsOf(all, [source]).flatMap(({ host, unfit }) => (unfit ? [] : [host]));
  const [chosen, setTarget] = useState(to ?? '');
  const target = targets.find(({ id }) => id === chosen) ?? targets[0];
  const [choices, setChoices] = useState<Choices>({
    move: move && !isReadOnly,
    name: source.name,
    start: false,
    pause: !isReadOnly,
    remove: !isProduction,
  });
  const [error, setError] = useState<string>();
  const plan = useQuery(transferPlanQuery(source, target?.id ?? ''));
  const stays = isReadOnly && plan.data !== undefined && !mayLeave(source, plan.data, choices);
  const problem = plan.data && problemOf(source, plan.data, choices);
  const ready = target !== undefined && plan.data !== undefined && !problem && !stays;
  const change = (some: Partial<Choices>) => setChoices((before) => ({ ...before, ...some }));

  const submit = async () => {
    if (!ready || !plan.data) return;
    try {
      onStarted(await gantry().transfers.start(requestOf(source, target.id, plan.data, choices)));
    } catch (failure) {
      setError(explain(failure).message);
    }
  };
  return (
    <FormFrame name={source.name} move={choices.move} width={560} target={target} ready={ready} onSubmit={() => void submit()}>
      <div className="form-row">
        <HostField label={t('transfer.target')} hosts={targets} value={target?.id ?? ''} onChange={setTarget} testId="transfer-target" />
        {source.kind !== 'image' && (
          <TextField
            label={t('transfer.name')}
            error={problem === 'taken' ? t('transfer.taken') : undefined}
            data-testid="transfer-name"
            value={choices.name}
            onChange={(name) => change({ name })}
          />
        )}
      </div>
      {!isReadOnly && (
        <Segmented
          label={t('transfer.what')}
          value={choices.move ? 'move' : 'copy'}
          onChange={(value) => change({ move: value === 'move' })}
          choices={[
            { value: 'copy', label: t('transfer.copy') },
            { value: 'move', label: t('transfer.move') },
          ]}
        />
      )}
      <p className="dim prose">{t(`transfer.${choices.move ? 'moveText' : 'copyText'}.${source.kind}`)}</p>
      {targets.length === 0 ? (
        <p className="prose">{t('transfer.noTargetText')}</p>
      ) : plan.error ? (
        <div className="flush">
          <ErrorPanel title={t('transfer.planFailed')} {...explain(plan.error)} />
        </div>
      ) : plan.data ? (
        <Preview source={source} plan={plan.data} />
      ) : (
        <Skeleton rows={3} label={t('loading')} />
      )}
      {isReadOnly && <p className="prose">{t(stays ? 'transfer.readOnlyStays' : 'transfer.readOnlySource', { host: from.name })}</p>}
      {isProduction && choices.move && <p className="prose">{t('transfer.productionStays', { host: from.name })}</p>}
      {plan.data && (
        <Options
          isProduction={isProduction}
          isReadOnly={isReadOnly}
          parts={[{ source, plan: plan.data }]}
          choices={choices}
          onChange={change}
        />
      )}
      {problem === 'autoRemove' && <p className="transfer-problem">{t('transfer.failure.auto-remove')}</p>}
      {error && <p className="transfer-problem">{error}</p>}
    </FormFrame>
  );
}
