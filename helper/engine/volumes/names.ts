import { randomBytes } from 'node:crypto';
import { Failure } from '../failure.ts';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const ALLOWED = '"[a-zA-Z0-9][a-zA-Z0-9_.-]"';

/** The label that dockerd gives to volumes made for a container without a name; `prune` takes only these by default. */
export const ANONYMOUS_LABEL = 'com.docker.volume.anonymous';

/** @throws Failure invalidParameter with dockerd's texts */
export function checkVolumeName(name: string): void {
  if (name.length === 1) {
    throw new Failure('invalidParameter', `create ${name}: volume name is too short, names should be at least two alphanumeric characters`);
  }
  if (name.length > 255 || !NAME.test(name)) {
    throw new Failure(
      'invalidParameter',
      `create ${name}: ${JSON.stringify(name)} includes invalid characters for a local volume name, only ${ALLOWED} are allowed. If you intended to pass a host directory, use absolute path`,
    );
  }
}

export function anonymousName(): string {
  return randomBytes(32).toString('hex');
}
