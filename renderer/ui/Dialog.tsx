import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from './Button.tsx';
import './dialog.css';
import { useReturnFocus } from './return-focus.ts';

interface DialogProps {
  title: string;
  /** `sheet` comes from the right for forms; `dialog` asks or shows. */
  kind?: 'dialog' | 'sheet';
  width?: number;
  children: ReactNode;
  footer?: ReactNode;
  onClose: () => void;
  testId?: string;
  description?: string;
  onOpenAutoFocus?: (event: Event) => void;
  /** Enter while the dialog itself has the focus: where there is no field to begin with. */
  onEnter?: () => void;
}

/** The first field, else the dialog itself: the focus on Close says nothing. */
function focusFirst(event: Event): void {
  event.preventDefault();
  const content = event.currentTarget;
  if (!(content instanceof HTMLElement) || content.contains(document.activeElement)) return;
  (content.querySelector<HTMLElement>('input:not([type="checkbox"]), textarea') ?? content).focus();
}

export function Dialog({
  title,
  kind = 'dialog',
  width = 480,
  children,
  footer,
  onClose,
  testId,
  description,
  onOpenAutoFocus,
  onEnter,
}: DialogProps) {
  const { t } = useTranslation();
  const returnFocus = useReturnFocus();
  return (
    <Radix.Root
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      <Radix.Portal>
        <Radix.Overlay className="veil" />
        <Radix.Content
          className={kind}
          style={{ width }}
          data-testid={testId}
          {...(description ? {} : { 'aria-describedby': undefined })}
          onOpenAutoFocus={onOpenAutoFocus ?? focusFirst}
          onCloseAutoFocus={returnFocus}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && event.target === event.currentTarget) onEnter?.();
          }}
          onInteractOutside={(event) => {
            if (kind === 'sheet' || (event.target instanceof Element && event.target.closest('.toasts'))) event.preventDefault();
          }}
        >
          <header className="dialog-head">
            <Radix.Title className="dialog-title">{title}</Radix.Title>
            <Radix.Close asChild>
              <IconButton icon={X} name={t('action.close')} keys="Esc" />
            </Radix.Close>
          </header>
          {description && <Radix.Description className="dialog-text">{description}</Radix.Description>}
          <div className="dialog-body">{children}</div>
          {footer && <footer className="dialog-foot">{footer}</footer>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
