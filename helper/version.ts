import manifest from '../package.json' with { type: 'json' };

export const VERSION: string = manifest.version;

/** Put in by scripts/build.mjs; not there when the sources run unbuilt. */
declare const GANTRY_COMMIT: string | undefined;
declare const GANTRY_BUILD_TIME: string | undefined;

/** Short hash of the commit, and its time (RFC 3339); empty when the build did not know. */
export const BUILD = {
  commit: typeof GANTRY_COMMIT === 'string' ? GANTRY_COMMIT : '',
  time: typeof GANTRY_BUILD_TIME === 'string' ? GANTRY_BUILD_TIME : '',
};
