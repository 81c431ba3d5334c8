export { RunSheet } from './RunSheet.tsx';
