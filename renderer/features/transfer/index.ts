export { DropHosts } from './DropHosts.tsx';
export { endDrag, startDrag, useRowDrag } from './drag.ts';
export { tellFound } from './found.ts';
export { ManyDialog } from './ManyDialog.tsx';
export { BatchActivities } from './ManyRunning.tsx';
export { TransferActivity } from './TransferActivity.tsx';
export { TransferDialog } from './TransferDialog.tsx';
export { fractionOf } from './TransferProgress.tsx';
export { openTransfer, useTransfers } from './transfers.ts';
