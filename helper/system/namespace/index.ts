export { enterPrivateMounts } from './private-mounts.ts';
