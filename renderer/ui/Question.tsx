import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useQuestion } from '../lib/confirm.ts';
import { Button } from './Button.tsx';
import { Checkbox } from './Checkbox.tsx';
import { Dialog } from './Dialog.tsx';
import { TextField } from './Field.tsx';

/** Draws the question of lib/confirm.ts. The focus is on Cancel, so that Enter never deletes. */
export function QuestionHost() {
  const question = useQuestion((state) => state.question);
  return question ? <QuestionDialog key={question.title} /> : null;
}

function QuestionDialog() {
  const { t } = useTranslation();
  const question = useQuestion((state) => state.question);
  const cancel = useRef<HTMLButtonElement>(null);
  const [typed, setTyped] = useState('');
  const [option, setOption] = useState(question?.option?.initial ?? false);
  if (!question) return null;
  const ready = question.typed === undefined || typed.trim() === question.typed.text;
  return (
    <Dialog
      title={question.title}
      width={440}
      testId="question"
      onClose={() => question.answer({ yes: false })}
      onOpenAutoFocus={(event) => {
        if (question.typed) return;
        event.preventDefault();
        cancel.current?.focus();
      }}
      footer={
        <>
          {!question.plain && (
            <Button ref={cancel} onClick={() => question.answer({ yes: false })}>
              {t('action.cancel')}
            </Button>
          )}
          <Button
            ref={question.plain ? cancel : undefined}
            tone={question.danger ? 'danger' : 'primary'}
            data-testid="question-yes"
            disabled={!ready}
            onClick={() => question.answer({ yes: true, option })}
          >
            {question.verb}
          </Button>
        </>
      }
    >
      {question.text && <p className="prose question-text">{question.text}</p>}
      {question.items && question.items.length > 0 && (
        <ul className="question-items">
          {question.items.map((item) => (
            <li key={item} className="truncate">
              {item}
            </li>
          ))}
        </ul>
      )}
      {question.typed && (
        <form
          className="question-typed"
          onSubmit={(event) => {
            event.preventDefault();
            if (ready) question.answer({ yes: true, option });
          }}
        >
          <TextField label={question.typed.label} autoFocus data-testid="question-typed" value={typed} onChange={setTyped} />
        </form>
      )}
      {question.option && (
        <div style={{ marginTop: 12 }}>
          <Checkbox checked={option} onChange={setOption} label={question.option.label} />
        </div>
      )}
    </Dialog>
  );
}
