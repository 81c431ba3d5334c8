import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { failure } from '../../ssh/index.ts';

export interface RuntimeOptions {
  /** Folders that may hold `node-linux-ARCH`: scripts/host-node.mjs puts it there when the application is built. */
  shipped: readonly string[];
  /** A Node that runs here, for machines of our own architecture; in development. */
  own: string | undefined;
}

/**
 * The Node that goes to a machine and runs the engine there. The application brings it: nothing is downloaded while it runs.
 *
 * @returns its path on this machine
 * @throws HostFailure runtime-missing when this application has none for the architecture
 */
export function nodeFor(arch: 'x64' | 'arm64', { shipped, own }: RuntimeOptions): string {
  const found = shipped.map((folder) => join(folder, `node-linux-${arch}`)).find((path) => existsSync(path));
  if (found) return found;
  if (own && process.platform === 'linux' && process.arch === arch && existsSync(own)) return own;
  throw failure('runtime-missing', `This Gantry brings no Node for ${arch}, which the engine would run on there`, {
    values: { arch },
    fix: `node scripts/host-node.mjs ${arch}`,
    final: true,
  });
}
