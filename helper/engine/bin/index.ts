export { createBin } from './bin.ts';
