import type { LucideIcon } from 'lucide-react';
import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react';
import './button.css';
import { Spinner } from './Spinner.tsx';

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  tone?: 'plain' | 'primary' | 'danger' | 'ghost';
  icon?: LucideIcon;
  large?: boolean;
  busy?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({ tone = 'plain', icon: Icon, large, busy, children, className, disabled, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={`button ${tone} ${large ? 'large' : ''} ${className ?? ''}`}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      {...rest}
    >
      {busy ? <Spinner /> : Icon && <Icon size={large ? 18 : 15} strokeWidth={1.9} aria-hidden />}
      {children}
    </button>
  );
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  icon: LucideIcon;
  /** The accessible name, also the tooltip. */
  name: string;
  /** The shortcut, shown in the tooltip. */
  keys?: string;
  pressed?: boolean;
  tone?: 'plain' | 'danger';
  small?: boolean;
  ref?: Ref<HTMLButtonElement>;
  children?: ReactNode;
}

export function IconButton({ icon: Icon, name, keys, pressed, tone = 'plain', small, className, children, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      className={`icon-button ${tone} ${small ? 'small' : ''} ${className ?? ''}`}
      aria-label={name}
      aria-pressed={pressed}
      data-tip={name}
      data-keys={keys}
      {...rest}
    >
      <Icon size={small ? 14 : 16} strokeWidth={1.8} aria-hidden />
      {children}
    </button>
  );
}
