import { Cable } from 'lucide-react';
import { Popover } from 'radix-ui';
import { useTranslation } from 'react-i18next';
import { TunnelList } from './TunnelList.tsx';
import { useTunnels } from './tunnels.ts';

/** In the status bar: how many tunnels are open; a click lists them. */
export function TunnelStatus() {
  const { t } = useTranslation();
  const tunnels = useTunnels();
  if (tunnels.length === 0) return null;
  const open = tunnels.filter(({ state }) => state === 'open').length;
  return (
    <Popover.Root>
      <Popover.Trigger asChild>
        <button type="button" className="status-item button-like num" data-testid="tunnel-status">
          <Cable size={13} aria-hidden />
          {open > 0 ? t('tunnel.status', { count: open }) : t('tunnel.title')}
        </button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className="menu tunnels-float" align="end" sideOffset={6} collisionPadding={8} aria-label={t('tunnel.title')}>
          <TunnelList tunnels={tunnels} />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
