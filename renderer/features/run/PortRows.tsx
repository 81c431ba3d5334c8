import { useTranslation } from 'react-i18next';
import { TextInput } from '../../ui/Field.tsx';
import { Row, Rows } from '../../ui/Rows.tsx';
import { Select } from '../../ui/Select.tsx';
import type { RunForm } from './useRunForm.tsx';

export function PortRows({ form: { spec, set, row, drop, error } }: { form: RunForm }) {
  const { t } = useTranslation();
  return (
    <Rows
      label={t('run.ports')}
      add={t('run.addPort')}
      onAdd={() => set({ ports: [...spec.ports, { ip: '', host: '', container: '', protocol: 'tcp' }] })}
    >
      {spec.ports.map((port, i) => (
        <Row
          // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity but their place
          key={i}
          onDrop={() => drop('ports', i)}
          error={error(`ports.${i}.host`, (value) => row('ports', i, { host: value })) ?? error(`ports.${i}.container`)}
        >
          <TextInput
            mono
            aria-label={t('run.hostPort')}
            placeholder={t('run.hostPort')}
            inputMode="numeric"
            data-testid={`run-port-host-${i}`}
            invalid={error(`ports.${i}.host`) !== undefined}
            value={port.host}
            onChange={(value) => row('ports', i, { host: value })}
          />
          <span className="dim">→</span>
          <TextInput
            mono
            aria-label={t('run.containerPort')}
            placeholder={t('run.containerPort')}
            inputMode="numeric"
            data-testid={`run-port-container-${i}`}
            invalid={error(`ports.${i}.container`) !== undefined}
            value={port.container}
            onChange={(value) => row('ports', i, { container: value })}
          />
          <div className="run-protocol">
            <Select
              label={t('run.protocol')}
              value={port.protocol}
              onChange={(value) => row('ports', i, { protocol: value === 'udp' ? 'udp' : 'tcp' })}
              choices={[
                { value: 'tcp', label: 'tcp' },
                { value: 'udp', label: 'udp' },
              ]}
            />
          </div>
        </Row>
      ))}
    </Rows>
  );
}
