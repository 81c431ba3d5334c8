export { FirstRun } from './FirstRun.tsx';
export { openStarter, starterHost } from './starter.ts';
