import { Plus, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from './Button.tsx';
import './field.css';

/** Entries of one kind, with a button for another one. */
export function Rows({ label, add, onAdd, children }: { label: string; add: string; onAdd: () => void; children: ReactNode[] }) {
  return (
    <fieldset className="form-rows">
      <legend>{label}</legend>
      {children}
      <Button tone="ghost" icon={Plus} onClick={onAdd}>
        {add}
      </Button>
    </fieldset>
  );
}

/** One entry; its error stands below it. */
export function Row({ children, error, onDrop }: { children: ReactNode; error: ReactNode; onDrop: () => void }) {
  const { t } = useTranslation();
  return (
    <div className={`form-entry ${error ? 'invalid' : ''}`}>
      <div className="form-entry-fields">
        {children}
        <IconButton small icon={X} name={t('action.dropRow')} onClick={onDrop} />
      </div>
      {error && (
        <div className="field-note" role="alert">
          {error}
        </div>
      )}
    </div>
  );
}
