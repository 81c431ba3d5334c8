import { act, type ContainerRow, openContainer, openShell } from '../features/containers/index.ts';

/** An action of the palette on a container. */
export function runPaletteAction(verb: string, row: ContainerRow): void {
  if (verb === 'start' || verb === 'stop' || verb === 'restart') void act(verb, [row]);
  else if (verb === 'shell') void openShell(row);
  else openContainer(row, 'logs');
}
