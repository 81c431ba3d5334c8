import { KeyRound, ShieldQuestion } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ConnectAnswer, ConnectQuestion } from '../../../electron/ipc/contract.ts';
import { Button } from '../../ui/Button.tsx';
import { Checkbox } from '../../ui/Checkbox.tsx';
import { TextField } from '../../ui/Field.tsx';
import { CopyButton } from '../../ui/Panels.tsx';

interface QuestionProps<Kind extends ConnectQuestion['kind']> {
  question: Extract<ConnectQuestion, { kind: Kind }>;
  /** null is a no. */
  onAnswer: (answer: ConnectAnswer | null) => void;
}

/** What only the user can answer, in its place under the steps. */
export function HostQuestion({ question, onAnswer }: QuestionProps<ConnectQuestion['kind']>) {
  if (question.kind === 'hostKey') return <HostKeyQuestion question={question} onAnswer={onAnswer} />;
  return <SecretQuestion question={question} onAnswer={onAnswer} />;
}

function HostKeyQuestion({ question, onAnswer }: QuestionProps<'hostKey'>) {
  const { t } = useTranslation();
  const { machine, keyType, fingerprint, file, alsoAs, certificate } = question;
  return (
    <section className="question" aria-label={t('connect.keyTitle', { machine })} data-testid="question-hostKey">
      <ShieldQuestion size={18} aria-hidden />
      <div>
        <h3>{t('connect.keyTitle', { machine })}</h3>
        <p className="prose">{t('connect.keyText')}</p>
        <div className="fingerprint">
          <div>
            <div className="dim">{keyType}</div>
            <code className="mono select" data-testid="fingerprint">
              {fingerprint}
            </code>
          </div>
          <CopyButton text={fingerprint} />
        </div>
        {certificate && <p className="prose">{t(`connect.keyCertificate.${certificate.problem}`, { ...certificate })}</p>}
        {alsoAs.length > 0 && <p className="prose">{t('connect.keyAlsoAs', { names: alsoAs.join(', ') })}</p>}
        <p className="dim">{file ? t('connect.keyFile', { file }) : t('connect.keyNoFile')}</p>
        <div className="question-actions">
          <Button autoFocus data-testid="answer-no" onClick={() => onAnswer(null)}>
            {t('connect.keyNo')}
          </Button>
          <Button tone="primary" data-testid="answer-yes" onClick={() => onAnswer({ values: [], remember: false })}>
            {t('connect.keyYes')}
          </Button>
        </div>
      </div>
    </section>
  );
}

function SecretQuestion({ question, onAnswer }: QuestionProps<Exclude<ConnectQuestion['kind'], 'hostKey'>>) {
  const { t } = useTranslation();
  const fields = fieldsOf(question, t);
  const [values, setValues] = useState(() => fields.map(() => ''));
  const [remember, setRemember] = useState(false);
  const title =
    question.kind === 'sudo'
      ? t('connect.sudoTitle', { machine: question.machine })
      : question.kind === 'password'
        ? t('connect.passwordTitle', { machine: question.machine })
        : question.kind === 'passphrase'
          ? t('connect.passphraseTitle')
          : question.title || t('connect.interactiveTitle', { machine: question.machine });
  return (
    <form
      className="question"
      aria-label={title}
      data-testid={`question-${question.kind}`}
      onSubmit={(event) => {
        event.preventDefault();
        onAnswer({ values, remember });
      }}
    >
      <KeyRound size={18} aria-hidden />
      <div>
        <h3>{title}</h3>
        {question.kind === 'interactive' && question.text && <p className="prose host-words">{question.text}</p>}
        {fields.map(({ label, hidden }, index) => (
          <TextField
            // biome-ignore lint/suspicious/noArrayIndexKey: questions have no identity but their order
            key={index}
            label={label}
            error={question.again && index === 0 ? t(`connect.again.${question.kind}`) : undefined}
            type={hidden ? 'password' : 'text'}
            autoFocus={index === 0}
            data-testid={`answer-${index}`}
            value={values[index] ?? ''}
            onChange={(value) => setValues((before) => before.map((old, at) => (at === index ? value : old)))}
          />
        ))}
        {question.kind === 'sudo' && <p className="dim">{t('connect.sudoText')}</p>}
        {question.kind !== 'interactive' &&
          question.kind !== 'sudo' &&
          (question.canRemember ? (
            <Checkbox checked={remember} onChange={setRemember} label={t('connect.remember')} />
          ) : (
            <p className="dim">{t('connect.noKeychain')}</p>
          ))}
        <div className="question-actions">
          <Button onClick={() => onAnswer(null)}>{t('action.cancel')}</Button>
          <Button tone="primary" type="submit" data-testid="answer-submit">
            {t('connect.goOn')}
          </Button>
        </div>
      </div>
    </form>
  );
}

function fieldsOf(
  question: QuestionProps<Exclude<ConnectQuestion['kind'], 'hostKey'>>['question'],
  t: (key: string, values?: Record<string, string>) => string,
): { label: string; hidden: boolean }[] {
  if (question.kind === 'password' || question.kind === 'sudo')
    return [{ label: t('connect.passwordOf', { user: question.user }), hidden: true }];
  if (question.kind === 'passphrase') return [{ label: t('connect.passphraseOf', { path: question.path }), hidden: true }];
  return question.prompts.map(({ text, echo }) => ({ label: text, hidden: !echo }));
}
