import { create } from 'zustand';

/**
 * Containers that someone stopped while the app looked on (the engine's `stop` event). Lists carry only an exit code, and 137
 * after a stop is nothing to worry about.
 */
export const useStops = create<{ stopped: ReadonlySet<string> }>(() => ({ stopped: new Set() }));

export function rememberStop(host: string, id: string): void {
  useStops.setState(({ stopped }) => ({ stopped: new Set(stopped).add(`${host}/${id}`) }));
}
export function forgetStop(host: string, id: string): void {
  if (!useStops.getState().stopped.has(`${host}/${id}`)) return;
  useStops.setState(({ stopped }) => {
    const rest = new Set(stopped);
    rest.delete(`${host}/${id}`);
    return { stopped: rest };
  });
}
