import type { InputHTMLAttributes, ReactNode, Ref } from 'react';
import { useId } from 'react';
import './field.css';

interface FieldProps {
  label: string;
  /** In words, with a remedy. */
  error?: ReactNode;
  hint?: ReactNode;
  children: (ids: { id: string; describedBy: string | undefined; invalid: boolean }) => ReactNode;
  className?: string | undefined;
}

/** A labelled control with its error at the field. */
export function Field({ label, error, hint, children, className }: FieldProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div className={`field ${error ? 'invalid' : ''} ${className ?? ''}`}>
      <label htmlFor={id}>{label}</label>
      {children({ id, describedBy: note ? `${id}-note` : undefined, invalid: error !== undefined && error !== null && error !== '' })}
      {note && (
        <div className="field-note" id={`${id}-note`} role={error ? 'alert' : undefined}>
          {note}
        </div>
      )}
    </div>
  );
}

interface TextInputProps extends Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange'> {
  onChange: (value: string) => void;
  invalid?: boolean;
  mono?: boolean;
  ref?: Ref<HTMLInputElement>;
}
export function TextInput({ onChange, invalid, mono, className, ...rest }: TextInputProps) {
  return (
    <input
      type="text"
      spellCheck={false}
      autoComplete="off"
      className={`input ${mono ? 'mono' : ''} ${className ?? ''}`}
      aria-invalid={invalid || undefined}
      onChange={(event) => onChange(event.target.value)}
      {...rest}
    />
  );
}

interface TextFieldProps extends Omit<TextInputProps, 'id' | 'invalid' | 'aria-describedby' | 'className'> {
  label: string;
  /** In words, with a remedy. */
  error?: ReactNode;
  hint?: ReactNode;
  /** A small button in the field's end. */
  inside?: ReactNode;
  /** A button beside it. */
  beside?: ReactNode;
  /** Of the whole, label and all. */
  className?: string;
}
/** A labelled line of text, with its error at the field. */
export function TextField({ label, error, hint, inside, beside, className, ...input }: TextFieldProps) {
  return (
    <Field label={label} error={error} hint={hint} className={className}>
      {({ id, describedBy, invalid }) => {
        const field = <TextInput id={id} aria-describedby={describedBy} invalid={invalid} {...input} />;
        if (!inside && !beside) return field;
        return (
          <div className={inside ? 'with-button' : 'field-line'}>
            {field}
            {inside ?? beside}
          </div>
        );
      }}
    </Field>
  );
}
