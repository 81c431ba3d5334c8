import { Check, ChevronDown } from 'lucide-react';
import { Select as Radix } from 'radix-ui';
import './field.css';

export interface Choice {
  value: string;
  label: string;
  swatch?: string;
}

export function Select({
  value,
  choices,
  onChange,
  label,
  id,
  testId,
}: {
  value: string;
  choices: Choice[];
  onChange: (value: string) => void;
  label: string;
  id?: string;
  testId?: string;
}) {
  const swatch = choices.find((choice) => choice.value === value)?.swatch;
  return (
    <Radix.Root value={value} onValueChange={onChange}>
      <Radix.Trigger className="select-trigger" aria-label={label} id={id} data-testid={testId}>
        {swatch && <span className="swatch" style={{ background: swatch }} />}
        <span className="truncate grow">
          <Radix.Value />
        </span>
        <Radix.Icon asChild>
          <ChevronDown size={14} aria-hidden />
        </Radix.Icon>
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content className="menu select-menu" position="popper" sideOffset={4} collisionPadding={8}>
          <Radix.Viewport>
            {choices.map((choice) => (
              <Radix.Item key={choice.value} value={choice.value} className="menu-item">
                {choice.swatch && <span className="swatch" style={{ background: choice.swatch }} />}
                <Radix.ItemText>{choice.label}</Radix.ItemText>
                <Radix.ItemIndicator className="menu-check">
                  <Check size={14} />
                </Radix.ItemIndicator>
              </Radix.Item>
            ))}
          </Radix.Viewport>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
