import type { Host, HostColour } from '../../../electron/ipc/contract.ts';
import type { Tone } from '../../ui/StateBadge.tsx';

export const hostColours: HostColour[] = ['violet', 'blue', 'teal', 'green', 'amber', 'orange', 'red', 'grey'];

const tones: Record<Host['state']['status'], Tone> = {
  connected: 'running',
  connecting: 'working',
  reconnecting: 'attention',
  failed: 'failed',
};
export function hostTone(host: Host): Tone {
  return tones[host.state.status];
}
