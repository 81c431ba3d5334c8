import { constants, promises as fs } from 'node:fs';
import path from 'node:path';
import { Failure } from '../../failure.ts';

/** Where the init lies inside the container. */
export const INIT_IN_CONTAINER = '/sbin/docker-init';

/** Static first: a dynamic one would need the image's libraries. All take `-- COMMAND`. */
const CANDIDATES = ['docker-init', 'tini-static', 'catatonit', 'tini'];
const FOLDERS = ['/usr/libexec/docker', '/usr/libexec/podman', '/usr/local/bin', '/usr/bin', '/usr/sbin', '/bin', '/usr/libexec/gantry'];

let found: string | undefined;

/** The host's init for `--init`. @throws Failure system with what to install */
export async function findInit(): Promise<string> {
  if (found) return found;
  for (const name of CANDIDATES) {
    for (const folder of FOLDERS) {
      const file = path.join(folder, name);
      try {
        await fs.access(file, constants.X_OK);
        found = file;
        return file;
      } catch {
        // look further
      }
    }
  }
  throw new Failure(
    'system',
    'exec: "docker-init": executable file not found in $PATH: --init needs an init program on the host; install the package tini or catatonit',
  );
}
