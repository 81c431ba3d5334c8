import { useTranslation } from 'react-i18next';
import type { Host } from '../../../electron/ipc/contract.ts';
import { Field } from '../../ui/Field.tsx';
import { Select } from '../../ui/Select.tsx';

interface HostFieldProps {
  label?: string;
  hosts: Host[];
  /** The chosen one's id. */
  value: string;
  onChange: (id: string) => void;
  testId?: string;
}

/** Chooses a host by its name and colour. */
export function HostField({ label, hosts, value, onChange, testId }: HostFieldProps) {
  const { t } = useTranslation();
  const name = label ?? t('column.host');
  return (
    <Field label={name}>
      {({ id }) => (
        <Select
          id={id}
          label={name}
          value={value}
          onChange={onChange}
          choices={hosts.map((host) => ({ value: host.id, label: host.name, swatch: `var(--host-${host.colour})` }))}
          {...(testId !== undefined && { testId })}
        />
      )}
    </Field>
  );
}
