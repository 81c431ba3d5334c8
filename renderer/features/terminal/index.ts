import { lazy } from 'react';

export { ContainerTerminals } from './ContainerTerminals.tsx';
export { HostShells } from './HostShells.tsx';
export { openTerminal, useTerminals } from './terminals.ts';
/** Loaded when first shown: xterm.js is the largest part of the app. */
export const TerminalView = lazy(() => import('./TerminalView.tsx'));
