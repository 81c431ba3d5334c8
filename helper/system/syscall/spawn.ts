import { closeSync } from 'node:fs';
import koffi from 'koffi';
import { duplicate, native, SystemCallError } from './libc.ts';

/** Larger than any C library's posix_spawn_file_actions_t, posix_spawnattr_t and sigset_t (glibc on x86-64: 80, 336, 128). */
const ROOM = 1024;
const SETSIGDEF = 0x04;
const SETSIGMASK = 0x08;
const SETSID = 0x80;
const SIGPIPE = 13;
const SIGXFSZ = 25;
const O_RDWR = 2;
const O_CLOEXEC = 0o2000000;
const WNOHANG = 1;

export interface SpawnOptions {
  cwd: string;
  env: Record<string, string>;
  /** Our descriptors for the program's 0, 1, 2 …; `null`: /dev/null. They stay open here. */
  descriptors: readonly (number | null)[];
}

/**
 * Starts a program in a session of its own by posix_spawn(3). Node's spawn forks: the kernel copies the page tables of all our memory,
 * and each page that is written afterwards once more. This costs the same whatever we hold (2 ms less of 60 MiB).
 * The program is nobody's but the caller's: `reap` it.
 *
 * @returns its pid
 * @throws SystemCallError ENOENT, EACCES, EAGAIN …
 */
export function spawnApart(file: string, args: readonly string[], options: SpawnOptions): number {
  const actions = Buffer.alloc(ROOM);
  const attributes = Buffer.alloc(ROOM);
  const mask = Buffer.alloc(ROOM);
  const pid = Buffer.alloc(4);
  // Above all numbers that are set: none is overwritten before it was used.
  const high: number[] = [];
  must('init', native('int posix_spawn_file_actions_init(void *actions)')(actions));
  must('attr_init', native('int posix_spawnattr_init(void *attributes)')(attributes));
  try {
    changeFolder(actions, options.cwd);
    for (const [number, descriptor] of options.descriptors.entries()) {
      if (descriptor === null) {
        const open = native('int posix_spawn_file_actions_addopen(void *actions, int fd, const char *path, int flags, unsigned int mode)');
        must('addopen', open(actions, number, '/dev/null', O_RDWR, 0));
        continue;
      }
      const source = descriptor < options.descriptors.length ? duplicate(descriptor, options.descriptors.length) : descriptor;
      if (source !== descriptor) high.push(source);
      must('adddup2', native('int posix_spawn_file_actions_adddup2(void *actions, int from, int to)')(actions, source, number));
    }
    must('setsigmask', native('int posix_spawnattr_setsigmask(void *attributes, const void *mask)')(attributes, mask));
    // Node ignores these, and what is ignored stays so over an execve; handlers go by themselves.
    for (const signal of [SIGPIPE, SIGXFSZ]) native('int sigaddset(void *set, int signal)')(mask, signal);
    must('setsigdefault', native('int posix_spawnattr_setsigdefault(void *attributes, const void *signals)')(attributes, mask));
    const flags = SETSID | SETSIGMASK | SETSIGDEF;
    must('setflags', native('int posix_spawnattr_setflags(void *attributes, short flags)')(attributes, flags));
    const spawn = native(
      'int posix_spawn(void *pid, const char *file, const void *actions, const void *attributes, const char **argv, const char **envp)',
    );
    const env = Object.entries(options.env).map(([key, value]) => `${key}=${value}`);
    must('posix_spawn', spawn(pid, file, actions, attributes, [file, ...args, null], [...env, null]), file);
  } finally {
    native('int posix_spawn_file_actions_destroy(void *actions)')(actions);
    native('int posix_spawnattr_destroy(void *attributes)')(attributes);
    for (const fd of high) closeSync(fd);
  }
  return pid.readInt32LE();
}

/** glibc has it since 2.29; before, the program starts in our folder. */
function changeFolder(actions: Buffer, folder: string): void {
  let change: ReturnType<typeof native>;
  try {
    change = native('int posix_spawn_file_actions_addchdir_np(void *actions, const char *path)');
  } catch {
    return;
  }
  must('addchdir', change(actions, folder));
}

/** These functions return what others leave in errno. */
function must(call: string, result: number | bigint, subject?: string): void {
  if (Number(result) !== 0) throw new SystemCallError(call, Number(result), subject);
}

/** A pipe; both ends are close-on-exec. @param flags O_NONBLOCK or 0 */
export function makePipe(flags = 0): { read: number; write: number } {
  const ends = Buffer.alloc(8);
  const result = Number(native('int pipe2(_Out_ void *ends, int flags)')(ends, O_CLOEXEC | flags));
  if (result < 0) throw new SystemCallError('pipe2', koffi.errno());
  return { read: ends.readInt32LE(0), write: ends.readInt32LE(4) };
}

/** Takes note of a child's end, if it has ended. @returns whether it is gone */
export function reap(pid: number): boolean {
  return Number(native('int waitpid(int pid, void *status, int options)')(pid, null, WNOHANG)) !== 0;
}
