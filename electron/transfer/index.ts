export { transfersFileSchema } from './records.ts';
export { Transfers } from './transfers.ts';
