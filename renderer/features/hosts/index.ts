export { AddHostDialog } from './AddHostDialog.tsx';
export { HostField } from './HostField.tsx';
export { HostsPage } from './HostsPage.tsx';
export { HostTrouble } from './HostTrouble.tsx';
export { hostColumn } from './host-column.tsx';
export { hostTone } from './host-state.ts';
export { InstallDialog } from './InstallDialog.tsx';
export { SignInDialog } from './SignInDialog.tsx';
