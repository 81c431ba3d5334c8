export { withDevices } from './apply.ts';
export { Devices } from './devices.ts';
export { majorMinor } from './numbers.ts';
export type * from './types.ts';
