export { watchMachine } from './watch.ts';
