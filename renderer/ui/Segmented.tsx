import { RadioGroup } from 'radix-ui';
import './field.css';

/** One of a few, all visible. */
export function Segmented({
  value,
  choices,
  onChange,
  label,
}: {
  value: string;
  choices: { value: string; label: string }[];
  onChange: (value: string) => void;
  label: string;
}) {
  return (
    <RadioGroup.Root className="seg" value={value} onValueChange={onChange} aria-label={label} orientation="horizontal">
      {choices.map((choice) => (
        <RadioGroup.Item key={choice.value} value={choice.value}>
          {choice.label}
        </RadioGroup.Item>
      ))}
    </RadioGroup.Root>
  );
}
