export { AddHostDialog } from './AddHostDialog.tsx';
export { HostsPage } from './HostsPage.tsx';
export { HostTrouble } from './HostTrouble.tsx';
export { hostTone } from './host-state.ts';
export { SignInDialog } from './SignInDialog.tsx';
