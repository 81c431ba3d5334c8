export { BinPage } from './BinPage.tsx';
export { useBinHosts } from './useBin.ts';
