export { AddHostDialog } from './AddHostDialog.tsx';
export { HostsPage } from './HostsPage.tsx';
export { hostTone } from './host-state.ts';
