export { tunnelsFileSchema } from './records.ts';
export { Tunnels } from './tunnels.ts';
