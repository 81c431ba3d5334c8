import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { TextInput } from './Field.tsx';
import { Row, Rows } from './Rows.tsx';

/** As typed. */
export interface Pair {
  name: string;
  value: string;
}

interface PairRowsProps {
  label: string;
  add: string;
  pairs: Pair[];
  testId: string;
  onChange: (pairs: Pair[]) => void;
  /** Of the row at this place. */
  error: (i: number) => ReactNode;
}

/** Names with values: labels, options of a driver. */
export function PairRows({ label, add, pairs, testId, onChange, error }: PairRowsProps) {
  const { t } = useTranslation();
  const set = (i: number, change: Partial<Pair>) => onChange(pairs.map((pair, at) => (at === i ? { ...pair, ...change } : pair)));
  return (
    <Rows label={label} add={add} onAdd={() => onChange([...pairs, { name: '', value: '' }])}>
      {pairs.map((pair, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity but their place
        <Row key={i} onDrop={() => onChange(pairs.filter((_, at) => at !== i))} error={error(i)}>
          <TextInput
            mono
            aria-label={t('column.name')}
            placeholder={t('column.name')}
            data-testid={`${testId}-name-${i}`}
            invalid={error(i) !== undefined}
            value={pair.name}
            onChange={(name) => set(i, { name })}
          />
          <span className="dim">=</span>
          <TextInput
            mono
            aria-label={t('run.envValue')}
            placeholder={t('run.envValue')}
            data-testid={`${testId}-value-${i}`}
            value={pair.value}
            onChange={(value) => set(i, { value })}
          />
        </Row>
      ))}
    </Rows>
  );
}
