export { act } from './actions.ts';
export { ContainersPage } from './ContainersPage.tsx';
export { openContainer, openShell } from './menu.ts';
export type { ContainerRow } from './row.ts';
export { stateText } from './StateCell.tsx';
export { useContainers } from './useContainers.ts';
