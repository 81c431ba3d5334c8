export { createStops } from './stops.ts';
