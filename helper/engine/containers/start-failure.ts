import { Failure, isFailure, messageOf } from '../failure.ts';

/** Thrown by the monitor or the runtime: its words say what is wrong with the command or the mounts. */
export class RuntimeRefusal extends Error {
  constructor(cause: unknown) {
    super(messageOf(cause), { cause });
    this.name = 'RuntimeRefusal';
  }
}

/** What a spec is made of: a mistake in it that only the start finds is no mistake of the start's, says dockerd, but its own (500). */
export async function inSpec<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isFailure(error) ? new Failure('system', error.message, { cause: error }) : error;
  }
}

/**
 * What a failed start means for the client: the exit code that `docker run` ends with (126: can't be executed, 127: not found,
 * 128: anything else), and the failure whose text the CLI looks into. Pure. Source: dockerd's errors.go.
 */
export function startFailure(error: unknown): { exitCode: number; failure: Failure } {
  const text = messageOf(error);
  if (!(error instanceof RuntimeRefusal)) {
    return { exitCode: 128, failure: isFailure(error) ? error : new Failure('system', text, { cause: error }) };
  }
  const has = (words: string): boolean => text.toLowerCase().includes(words);
  const asRequest = (message: string): Failure => new Failure('invalidParameter', message, { cause: error });
  if (has('permission denied')) return { exitCode: 126, failure: asRequest(text) };
  // The CLI knows a failed exec by these words only.
  if (has('is a directory')) return { exitCode: 126, failure: asRequest(`${text}: permission denied`) };
  if (has('not a directory')) {
    const hint =
      'Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type';
    return { exitCode: 127, failure: asRequest(`${text}: ${hint}`) };
  }
  if (has('executable file not found') || has('no such file or directory')) return { exitCode: 127, failure: asRequest(text) };
  return { exitCode: 128, failure: new Failure('system', text, { cause: error }) };
}
