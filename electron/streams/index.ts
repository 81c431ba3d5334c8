export { startLocalShell, startSshShell } from './host-shell.ts';
export { readLogs } from './logs.ts';
export { portOf, type StreamPort } from './port.ts';
export { Terminals } from './terminals.ts';
