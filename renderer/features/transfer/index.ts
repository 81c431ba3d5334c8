export { TransferActivity } from './TransferActivity.tsx';
export { TransferDialog } from './TransferDialog.tsx';
export { fractionOf } from './TransferProgress.tsx';
export { openTransfer, useTransfers } from './transfers.ts';
