/** Where the Electron lies that tests and `npm start` run; fetched if need be. */
export function electronRuntime(options?: { retry?: boolean }): Promise<{ path: string; version: string; source: string }>;
