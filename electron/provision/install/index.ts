export { Installs } from './installs.ts';
export { localMachine, remoteMachine } from './machine.ts';
