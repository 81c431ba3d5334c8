export { PortsTab } from './PortsTab.tsx';
export { TunnelList } from './TunnelList.tsx';
export { TunnelOffers } from './TunnelOffers.tsx';
export { TunnelStatus } from './TunnelStatus.tsx';
export { browse, openTunnel, tunnelAddress, useTunnels } from './tunnels.ts';
