export { Batches } from './batches.ts';
export { batchesFileSchema, transfersFileSchema } from './records.ts';
export { Transfers } from './transfers.ts';
export { underWay } from './under-way.ts';
