import { accessSync, constants } from 'node:fs';

/** Programs that the helper starts, and the Debian packages that bring them. */
const NEEDED: { anyOf: string[]; debian: string }[] = [
  { anyOf: ['crun', 'runc'], debian: 'crun' },
  { anyOf: ['conmon'], debian: 'conmon' },
  { anyOf: ['ip'], debian: 'iproute2' },
  { anyOf: ['nft'], debian: 'nftables' },
];

/** @returns Debian package names of what is not on this machine */
export function missingPackages(env: NodeJS.ProcessEnv): string[] {
  // A desktop user's PATH often lacks the sbin folders, where the helper (as root) does find them.
  const folders = [...(env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin', '/usr/libexec/podman'];
  return NEEDED.filter(({ anyOf }) => !anyOf.some((name) => folders.some((folder) => executable(`${folder}/${name}`)))).map(
    ({ debian }) => debian,
  );
}

export function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
