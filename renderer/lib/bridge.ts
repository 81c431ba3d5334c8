import type { GantryApi } from '../../electron/ipc/contract.ts';

declare global {
  interface Window {
    gantry: GantryApi;
  }
}

/** The main process, as the preload script exposes it. */
export function gantry(): GantryApi {
  return window.gantry;
}
