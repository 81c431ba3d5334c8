import { promises as fs } from 'node:fs';
import type { Readable } from 'node:stream';
import { parseMountInfo } from '../../system/mount/index.ts';
import { Failure } from '../failure.ts';
import type { Container } from './container.ts';
import { type Engine, emit } from './engine.ts';
import { openTree } from './tree/open.ts';
import { packTree } from './tree/pack.ts';
import { find } from './tree/walk.ts';

/** Where other file systems lie in a running container: they are not its own. */
async function mountPoints(container: Container): Promise<ReadonlySet<string>> {
  if (container.state.status !== 'running') return new Set();
  const text = await fs.readFile(`/proc/${container.state.pid}/mountinfo`, 'utf8');
  return new Set(parseMountInfo(text).flatMap(({ target }) => (target === '/' ? [] : [target])));
}

/** GET /containers/{id}/export: the rootfs as a tar, volumes as empty folders. */
export async function exportContainer(engine: Engine, reference: string, signal: AbortSignal): Promise<Readable> {
  const container = engine.store.get(reference);
  if (container.state.status === 'removing') {
    throw new Failure('conflict', `You cannot export container ${container.id} which is being removed`);
  }
  const { tree, close } = await openTree(engine, container, { volumes: false });
  try {
    const hidden = await mountPoints(container);
    const place = await find(tree, '/');
    const body = packTree(place, { tree, name: '', signal, hollow: hidden }, close);
    emit(engine, container, 'export');
    return body;
  } catch (error) {
    close();
    throw error;
  }
}
