import type { Host, HostColour, HostError } from '../../../electron/ipc/contract.ts';
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

const forUser: HostError['code'][] = [
  'ssh-sign-in',
  'ssh-password-wrong',
  'ssh-password-expired',
  'ssh-key-new',
  'ssh-keys-refused',
  'ssh-certificate-expired',
  'ssh-certificate-not-yet',
  'ssh-certificate-refused',
  'tls-locked',
  'cancelled',
];
/** Trying again by itself would fail in the same way: somebody has to answer a question. */
export function needsUser({ kind, state }: Host): boolean {
  return (kind === 'ssh' || kind === 'tcp') && state.status === 'failed' && forUser.includes(state.error.code);
}

/** The key of the text that says how a host is reached. */
export const hostKind = ({ kind, security }: Host) => (security?.kind === 'none' ? 'tcpClear' : kind);
