export { ConnectNetworkDialog } from './ConnectNetworkDialog.tsx';
export { CreateNetworkSheet } from './create/CreateNetworkSheet.tsx';
export { NetworksPage } from './NetworksPage.tsx';
