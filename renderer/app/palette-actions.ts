import { act, type ContainerRow, openContainer } from '../features/containers/index.ts';

/** An action of the palette on a container. */
export function runPaletteAction(verb: string, row: ContainerRow): void {
  if (verb === 'start' || verb === 'stop' || verb === 'restart') void act(verb, [row]);
  else openContainer(row, verb === 'shell' ? 'terminal' : 'logs');
}
