/**
 * Shapes of the Docker Engine API (JSON bodies), at the newest version we speak.
 * Shared by the helper (which fills them) and the app (which reads them, from any engine). Imports nothing.
 * Source: Docker Engine API definition, moby/moby api/swagger.yaml. Older versions get their shapes in helper/api/shape-changes.ts.
 *
 * Fields that only some engines send are optional; the helper fills all of them that dockerd fills.
 */
export * from './container-config.ts';
export * from './containers.ts';
export * from './execs.ts';
export * from './images.ts';
export * from './labels.ts';
export * from './networks.ts';
export * from './system.ts';
export * from './volumes.ts';
