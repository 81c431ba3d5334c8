import type { LucideIcon } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../../ui/Button.tsx';
import { CommandPane } from '../../ui/CommandPane.tsx';

/** The right side of the run form: the line, live, with copy; and a field that takes one. */
export function RunCommand({
  lines,
  ignored,
  onPaste,
  icon,
}: {
  lines: string[];
  ignored: string[];
  onPaste: (text: string) => boolean;
  icon: LucideIcon;
}) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const [text, setText] = useState('');
  const [bad, setBad] = useState(false);
  const take = (value: string) => {
    if (onPaste(value)) {
      setOpen(false);
      setText('');
      setBad(false);
    } else setBad(value.trim() !== '');
  };
  return (
    <CommandPane label={t('run.line')} lines={lines} testId="run-line">
      {ignored.length > 0 && (
        <div className="run-ignored" role="status">
          {t('run.ignored')}
          <ul className="mono">
            {ignored.map((option) => (
              <li key={option}>{option}</li>
            ))}
          </ul>
        </div>
      )}
      {open ? (
        <div className={`field ${bad ? 'invalid' : ''}`}>
          <textarea
            className="textarea mono"
            rows={6}
            // biome-ignore lint/a11y/noAutofocus: it opens because the user asked to paste
            autoFocus
            data-testid="run-paste"
            aria-label={t('run.paste')}
            placeholder={'docker run -d --name web \\\n  -p 8080:80 nginx'}
            spellCheck={false}
            value={text}
            onChange={(event) => {
              setText(event.target.value);
              setBad(false);
            }}
            onPaste={(event) => {
              const pasted = event.clipboardData.getData('text');
              if (text === '' && onPaste(pasted)) {
                event.preventDefault();
                take(pasted);
              }
            }}
          />
          {bad && (
            <div className="field-note" role="alert">
              {t('run.pasteInvalid')}
            </div>
          )}
          <div className="run-paste-actions">
            <Button data-testid="run-paste-apply" onClick={() => take(text)}>
              {t('run.fill')}
            </Button>
            <Button tone="ghost" onClick={() => setOpen(false)}>
              {t('action.cancel')}
            </Button>
          </div>
        </div>
      ) : (
        <Button icon={icon} data-testid="run-paste-open" onClick={() => setOpen(true)}>
          {t('run.paste')}
        </Button>
      )}
    </CommandPane>
  );
}
