import { CircleCheck, Copy, Info, TriangleAlert, X } from 'lucide-react';
import { Toast as Radix } from 'radix-ui';
import { useTranslation } from 'react-i18next';
import { gantry } from '../lib/bridge.ts';
import { dismissToast, useToasts } from '../lib/toast.ts';
import { Button, IconButton } from './Button.tsx';
import './toast.css';

const icons = { info: Info, success: CircleCheck, error: TriangleAlert };

export function Toaster() {
  const { t } = useTranslation();
  const toasts = useToasts((state) => state.toasts);
  return (
    <Radix.Provider swipeDirection="right" label={t('toast.region')}>
      {toasts.map((toast) => {
        const Icon = icons[toast.tone];
        return (
          <Radix.Root
            key={toast.id}
            className={`toast ${toast.tone}`}
            data-testid="toast"
            type={toast.tone === 'error' ? 'foreground' : 'background'}
            duration={toast.tone === 'error' ? 12_000 : 5000}
            onOpenChange={(open) => {
              if (!open) dismissToast(toast.id);
            }}
          >
            <Icon size={16} aria-hidden />
            <div className="toast-text">
              <Radix.Title className="toast-title">{toast.title}</Radix.Title>
              {toast.text && <Radix.Description className="prose">{toast.text}</Radix.Description>}
              {(toast.action || toast.detail) && (
                <div className="toast-actions">
                  {toast.action && (
                    <Radix.Action asChild altText={toast.action.label}>
                      <Button onClick={toast.action.run}>{toast.action.label}</Button>
                    </Radix.Action>
                  )}
                  {toast.detail && (
                    <Button tone="ghost" icon={Copy} onClick={() => void gantry().shell.copy(toast.detail ?? '')}>
                      {t('action.copyDetails')}
                    </Button>
                  )}
                </div>
              )}
            </div>
            <Radix.Close asChild>
              <IconButton small icon={X} name={t('action.close')} />
            </Radix.Close>
          </Radix.Root>
        );
      })}
      <Radix.Viewport className="toasts" />
    </Radix.Provider>
  );
}
