import * as v from 'valibot';

export interface Bounds {
  x?: number | undefined;
  y?: number | undefined;
  width: number;
  height: number;
}
const number = v.pipe(v.number(), v.integer());
export const windowStateSchema = v.object({
  version: v.literal(1),
  bounds: v.object({ x: v.optional(number), y: v.optional(number), width: number, height: number }),
  maximized: v.boolean(),
});
export type WindowState = v.InferOutput<typeof windowStateSchema>;
export const firstWindowState: WindowState = { version: 1, bounds: { width: 1280, height: 800 }, maximized: false };

/** Where the window may open: as it was, if that is still on a screen (a monitor may have gone); else centred, made to fit. */
export function visibleBounds(bounds: Bounds, screens: Required<Bounds>[]): Bounds {
  const [first] = screens;
  const width = Math.max(640, Math.min(bounds.width, first?.width ?? bounds.width));
  const height = Math.max(400, Math.min(bounds.height, first?.height ?? bounds.height));
  const { x, y } = bounds;
  if (x === undefined || y === undefined) return { width, height };
  // Enough of the title bar to take hold of.
  const onScreen = screens.some(
    (screen) => x + bounds.width > screen.x + 64 && x < screen.x + screen.width - 64 && y >= screen.y && y < screen.y + screen.height - 32,
  );
  return onScreen ? { x, y, width: bounds.width, height: bounds.height } : { width, height };
}
