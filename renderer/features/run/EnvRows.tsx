import { useTranslation } from 'react-i18next';
import { TextInput } from '../../ui/Field.tsx';
import { Row, Rows } from '../../ui/Rows.tsx';
import type { RunSpec } from './command.ts';
import type { RunForm } from './useRunForm.tsx';

/** Lines of an .env file or of a shell: `NAME=value`, `export NAME="value"`. */
function parseVariables(text: string): RunSpec['env'] {
  return text
    .split(/\r?\n/)
    .map((line) => /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)=(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map((match) => ({ name: match[1] ?? '', value: (match[2] ?? '').replace(/^(["'])(.*)\1$/, '$2') }));
}

export function EnvRows({ form: { spec, set, row, drop, error } }: { form: RunForm }) {
  const { t } = useTranslation();
  return (
    <Rows label={t('run.env')} add={t('run.addEnv')} onAdd={() => set({ env: [...spec.env, { name: '', value: '' }] })}>
      {spec.env.map((env, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity but their place
        <Row key={i} onDrop={() => drop('env', i)} error={error(`env.${i}.name`)}>
          <TextInput
            mono
            aria-label={t('run.envName')}
            placeholder="NAME"
            data-testid={`run-env-name-${i}`}
            value={env.name}
            onChange={(value) => row('env', i, { name: value })}
            onPaste={(event) => {
              const pasted = parseVariables(event.clipboardData.getData('text'));
              if (pasted.length === 0) return;
              event.preventDefault();
              set({ env: [...spec.env.slice(0, i), ...pasted, ...spec.env.slice(i + 1)] });
            }}
          />
          <span className="dim">=</span>
          <TextInput
            mono
            aria-label={t('run.envValue')}
            placeholder={t('run.envValue')}
            data-testid={`run-env-value-${i}`}
            value={env.value}
            onChange={(value) => row('env', i, { value })}
          />
        </Row>
      ))}
    </Rows>
  );
}
