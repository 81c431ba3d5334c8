import { constants, promises as fs } from 'node:fs';
import type { Readable } from 'node:stream';
import { writeTree } from '../../../store/tree/write.ts';
import { O_PATH } from '../../../system/syscall/index.ts';
import { Failure, messageOf } from '../../failure.ts';
import type { Tree } from './walk.ts';

export interface ExtractOptions {
  tree: Tree;
  /** Folder in the container; entries are placed below it, wherever it and its links lead within the container. */
  folder: string;
  /** A folder is not replaced by a file, nor a file by a folder. */
  noOverwriteDirNonDir: boolean;
  /** All files get this owner instead of the archive's. */
  owner: { uid: number; gid: number } | undefined;
  signal: AbortSignal;
}

/**
 * Unpacks a tar, compressed or not, into a container's tree.
 * @throws Failure system for what is no tar, or would replace what must stay; forbidden on a read-only file system
 */
export async function extractInto(body: Readable, { tree, signal, ...rest }: ExtractOptions): Promise<void> {
  const root = await fs.open(`${tree.root}/.`, O_PATH | constants.O_DIRECTORY);
  const abort = (): void => void body.destroy(new Error('aborted'));
  signal.addEventListener('abort', abort, { once: true });
  try {
    const sink = await writeTree({ kind: 'unpack', root: root.fd, mounts: tree.mounts, ...rest });
    try {
      for await (const chunk of body) await sink.write(chunk as Buffer);
      await sink.finish();
    } finally {
      await sink.close();
    }
  } catch (error) {
    body.destroy();
    if (error instanceof Failure && !['invalidParameter', 'system'].includes(error.kind)) throw error;
    if ((error as NodeJS.ErrnoException).code === 'EROFS') {
      throw new Failure('forbidden', 'mounted volume is marked read-only', { cause: error });
    }
    throw new Failure('system', archiveWords(messageOf(error)), { cause: error });
  } finally {
    signal.removeEventListener('abort', abort);
    await root.close();
  }
}

/** Docker's clients know no more than that. */
const archiveWords = (words: string): string =>
  /^archive\/tar: invalid tar header/.test(words) ? 'archive/tar: invalid tar header' : words;
