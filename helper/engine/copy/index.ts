import { streamProgress } from '../images/index.ts';
import type { CopyParts } from './parts.ts';
import { have, plan } from './plan.ts';
import { receive } from './receive.ts';
import { recover } from './recover.ts';
import { send } from './send.ts';
import type { Copies } from './types.ts';

export { MEDIA_TYPE } from './frames.ts';
export type * from './types.ts';

/** Copies of images, containers and volumes to and from other engines. */
export function createCopies(parts: CopyParts): Copies {
  return {
    start: () => recover(parts),
    plan: (kind, name) => plan(parts, kind, name),
    have: (request) => have(parts, request),
    send: (request, signal) => send(parts, request, signal),
    receive: (stream, options, signal) => streamProgress(signal, (emit, inner) => receive(parts, stream, options, emit, inner)),
  };
}
