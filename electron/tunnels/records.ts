import * as v from 'valibot';

/** A tunnel as it is kept in tunnels.json. */
export interface TunnelRecord {
  id: string;
  hostId: string;
  containerId: string;
  containerName: string;
  port: number;
  localPort: number;
  /** Open, or to be offered again when its host is there. */
  wanted: boolean;
}

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(256));
const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535));
export const tunnelsFileSchema = v.object({
  version: v.literal(1),
  tunnels: v.array(
    v.object({ id: text, hostId: text, containerId: text, containerName: text, port, localPort: port, wanted: v.boolean() }),
  ),
});
export type TunnelsFile = v.InferOutput<typeof tunnelsFileSchema>;
