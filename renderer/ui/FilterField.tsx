import { Search, X } from 'lucide-react';
import type { Ref } from 'react';
import { useTranslation } from 'react-i18next';
import './filter.css';
import { Kbd } from './Kbd.tsx';

interface FilterFieldProps {
  value: string;
  onChange: (value: string) => void;
  placeholder: string;
  ref?: Ref<HTMLInputElement>;
  /** Down or Enter: to the list. */
  onLeave?: () => void;
}

/** The filter of a page; `/` brings the focus here (app/keyboard.ts looks for data-filter). */
export function FilterField({ value, onChange, placeholder, ref, onLeave }: FilterFieldProps) {
  const { t } = useTranslation();
  return (
    <div className="filter">
      <Search size={14} aria-hidden />
      <input
        ref={ref}
        data-filter
        data-testid="filter"
        spellCheck={false}
        aria-label={placeholder}
        placeholder={placeholder}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            event.stopPropagation();
            if (value) onChange('');
            else event.currentTarget.blur();
          } else if ((event.key === 'ArrowDown' || event.key === 'Enter') && onLeave) {
            event.preventDefault();
            onLeave();
          }
        }}
      />
      {value ? (
        <button type="button" className="filter-clear" aria-label={t('filter.clear')} onClick={() => onChange('')}>
          <X size={13} aria-hidden />
        </button>
      ) : (
        <Kbd keys="/" />
      )}
    </div>
  );
}
