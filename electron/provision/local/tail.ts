import { open } from 'node:fs/promises';

/** The last lines of a text file, at most 16 KiB; empty if it can't be read. */
export async function lastLines(path: string, count: number): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const length = Math.min(size, 16 * 1024);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').slice(-count).join('\n');
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}
