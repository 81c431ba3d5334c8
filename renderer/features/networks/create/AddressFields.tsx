import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { TextField } from '../../../ui/Field.tsx';
import type { AddressSpec } from './spec.ts';

interface AddressFieldsProps {
  family: 'v4' | 'v6';
  addresses: AddressSpec;
  onChange: (addresses: AddressSpec) => void;
  error: (field: string) => ReactNode;
}

const examples = {
  v4: { subnet: '10.9.0.0/24', gateway: '10.9.0.1', range: '10.9.0.128/25' },
  v6: { subnet: 'fd00:9::/64', gateway: 'fd00:9::1', range: 'fd00:9::/80' },
};
const parts = ['subnet', 'gateway', 'range'] as const;

/** Where the addresses of a family come from; all may be left to the engine. */
export function AddressFields({ family, addresses, onChange, error }: AddressFieldsProps) {
  const { t } = useTranslation();
  return (
    <div className="form-row network-addresses">
      {parts.map((part) => (
        <TextField
          key={part}
          label={t(`networks.${part}`)}
          error={error(`${family}.${part}`)}
          mono
          placeholder={examples[family][part]}
          data-testid={`network-${family}-${part}`}
          value={addresses[part]}
          onChange={(value) => onChange({ ...addresses, [part]: value.trim() })}
        />
      ))}
    </div>
  );
}
