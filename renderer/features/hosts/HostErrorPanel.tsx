import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Host, HostError } from '../../../electron/ipc/contract.ts';
import { CommandLine, ErrorPanel } from '../../ui/Panels.tsx';

const plainCodes = new Set<HostError['code']>(['closed', 'permission', 'refused', 'socket-missing', 'timeout']);

/** Why a host can't be used, what to do, and the command that does it. */
export function HostErrorPanel({
  error,
  tone = 'failed',
  host,
  named,
  children,
}: {
  error: HostError;
  tone?: 'failed' | 'attention';
  /** The host of the list that has it. */
  host?: Host;
  /** Say which host: several may be meant. */
  named?: boolean | undefined;
  children?: ReactNode;
}) {
  const { t } = useTranslation();
  const { code, message, detail, values = {}, fix } = error;
  const title = t(`hostError.${code}`, values);
  // The code's own sentence says it all, in the user's language; the message would add the place, which the hosts' page shows.
  const plain = host?.socketPath !== undefined && plainCodes.has(code);
  const told = plain || code === 'cancelled' || (/^(ssh|tcp|tls|sudo|install|runtime)-/.test(code) && error.values !== undefined);
  const place = plain && named ? t('hostError.where', { path: host.socketPath }) : undefined;
  const shown = told ? place : message;
  return (
    <ErrorPanel
      tone={tone}
      title={named && host ? `${host.name}${t('colon')}${title}` : title}
      {...(shown ? { message: shown } : {})}
      remedy={t(`hostRemedy.${code}`, values)}
      detail={[message, detail].filter(Boolean).join('\n')}
    >
      {fix && <CommandLine command={fix} />}
      {children}
    </ErrorPanel>
  );
}
