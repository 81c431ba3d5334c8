import { createLucideIcon } from 'lucide-react';

/** A filled square: lucide's outlined one is read as an empty checkbox. */
export const StopIcon = createLucideIcon('Stop', [
  ['rect', { x: 5.5, y: 5.5, width: 13, height: 13, rx: 2, fill: 'currentColor', stroke: 'none', key: 'stop' }],
]);
