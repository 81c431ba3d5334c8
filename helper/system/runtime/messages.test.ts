import { describe, expect, it } from 'vitest';
import { startFailure } from './messages.ts';

describe('what the runtime says of a program', () => {
  const words = (output: string, command: string) => startFailure('exec', 'crun', output, command).message;
  const PREFIX = 'OCI runtime exec failed: exec failed: unable to start container process: ';

  it.each([
    [
      'open executable: Too many levels of symbolic links',
      '/loop',
      'exec: "/loop": stat /loop: too many levels of symbolic links: unknown',
    ],
    ['open executable: Too many levels of symbolic links', 'loop', 'exec: "loop": executable file not found in $PATH: unknown'],
    ['open executable: Not a directory', '/file/x', 'exec: "/file/x": stat /file/x: not a directory: unknown'],
    ['open executable: Operation not permitted', '/folder', 'exec: "/folder": permission denied: unknown'],
    ['open executable: Permission denied', '/file', 'exec: "/file": permission denied: unknown'],
    ['open executable: Permission denied', 'file', 'exec: "file": executable file not found in $PATH: unknown'],
  ])('%j of %j is said in runc’s words', (output, command, said) => {
    expect(words(output, command)).toBe(PREFIX + said);
  });
});
