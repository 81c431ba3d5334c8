import { AT_FDCWD, check, native, O_CLOEXEC } from './libc.ts';

export const MS = {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  REMOUNT: 32,
  BIND: 4096,
  MOVE: 8192,
  REC: 16384,
  PRIVATE: 1 << 18,
  SLAVE: 1 << 19,
  SHARED: 1 << 20,
} as const;
export const MNT_DETACH = 2;

/** mount(2). `flags` from MS; `data` is the file system's option string. */
export function mount(source: string | null, target: string, type: string | null, flags: number, data: string | null = null): void {
  const call = native('int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)');
  check('mount', call(source, target, type, flags, data), target);
}

export function umount2(target: string, flags = MNT_DETACH): void {
  check('umount2', native('int umount2(const char *target, int flags)')(target, flags), target);
}

/**
 * umount2(2) in a thread of the pool, for mounts whose end makes the kernel write: an overlay's takes along all that its upper file
 * system has not written yet, whoever wrote it. Resolves when it is done or failed.
 */
export function umountApart(target: string, flags = MNT_DETACH): Promise<void> {
  const call = native('int umount2(const char *target, int flags)') as unknown as { async(...args: unknown[]): void };
  return new Promise((resolve) => call.async(target, flags, () => resolve()));
}

/** A new file system context (fsopen(2), Linux 5.2 and later). */
export function fsopen(type: string): number {
  return check('fsopen', native('long syscall(long n, const char *type, unsigned int flags)')(SYS.fsopen, type, FSOPEN_CLOEXEC), type);
}
/** One setting of a file system context from fsopen. */
export function fsconfig(fd: number, command: 'flag' | 'string' | 'create', key: string | null, value: string | null): void {
  const code = { flag: 0, string: 1, create: 6 }[command];
  const call = native('long syscall(long n, int fd, unsigned int command, const char *key, const char *value, int aux)');
  check(`fsconfig ${key ?? command}`, call(SYS.fsconfig, fd, code, key, value, 0), value ?? undefined);
}
/** Turns a created context into a detached mount; `attributes`: 1 = read-only. */
export function fsmount(fd: number, attributes: number): number {
  return check(
    'fsmount',
    native('long syscall(long n, int fd, unsigned int flags, unsigned int attributes)')(SYS.fsmount, fd, 1, attributes),
  );
}
/** Attaches a detached mount (fd) at `target`. */
export function moveMount(fd: number, target: string): void {
  const call = native('long syscall(long n, int fromFd, const char *from, int toFd, const char *to, unsigned int flags)');
  check('move_mount', call(SYS.moveMount, fd, '', AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH), target);
}
/** A detached copy of what is mounted at `target`, with all below it (open_tree(2), Linux 5.2 and later); `moveMount` attaches it. */
export function openTree(target: string): number {
  const call = native('long syscall(long n, int folder, const char *path, unsigned int flags)');
  return check('open_tree', call(SYS.openTree, AT_FDCWD, target, OPEN_TREE_CLONE | O_CLOEXEC | AT_RECURSIVE), target);
}
/**
 * The same of what an open descriptor (O_PATH, too) stands for: no name is looked up, so nothing waits for a server that is away.
 * @param recursive with all that is mounted below it
 */
export function cloneTree(fd: number, recursive: boolean): number {
  const call = native('long syscall(long n, int folder, const char *path, unsigned int flags)');
  const flags = OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  return check('open_tree', call(SYS.openTree, fd, '', flags));
}
/** The kernel's own words about what went wrong with a context from fsopen; empty when it says nothing. */
export function readMountLog(fd: number): string {
  const lines: string[] = [];
  const buffer = Buffer.alloc(4096);
  const read = native('long read(int fd, _Out_ void *buffer, size_t size)');
  for (let size = Number(read(fd, buffer, buffer.length)); size > 0 && lines.length < 16; size = Number(read(fd, buffer, buffer.length))) {
    lines.push(
      buffer
        .subarray(0, size)
        .toString('utf8')
        .trim()
        .replace(/^[eiw] /, ''),
    );
  }
  return lines.join('; ');
}

const MOVE_MOUNT_SET_GROUP = 0x100;
/** Gives a private mount the sharing of the mount behind `from`, an open descriptor of its root (Linux 5.15 and later). */
export function joinPeerGroup(from: number, target: string): void {
  const call = native('long syscall(long n, int fromFd, const char *from, int toFd, const char *to, unsigned int flags)');
  const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_SET_GROUP;
  check('move_mount', call(SYS.moveMount, from, '', AT_FDCWD, target, flags), target);
}

/** The numbers are the same on x86-64, arm64 and riscv64 (system calls since 424 are unified). */
const SYS = { openTree: 428, fsopen: 430, moveMount: 429, fsconfig: 431, fsmount: 432 } as const;
const FSOPEN_CLOEXEC = 1;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const AT_RECURSIVE = 0x8000;
const AT_EMPTY_PATH = 0x1000;
const OPEN_TREE_CLONE = 1;
