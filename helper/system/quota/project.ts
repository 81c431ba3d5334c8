import { closeSync, constants, openSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { check, native, SystemCallError } from '../syscall/index.ts';

/**
 * Limits of what lies below a folder, by the project quotas of xfs (mounted with `pquota`) and ext4 (`prjquota`).
 * Source: quotactl(2), ioctl_fsgetxattr; kernel include/uapi/linux/{quota,dqblk_xfs,fs}.h
 *
 * A project is a number on files. Nobody keeps a list of them: ours are above FIRST_PROJECT, which neither dockerd's (they count from 1)
 * nor an administrator's reach, and one that no file has is free, whatever limit it had.
 */
const FIRST_PROJECT = 0x47000000;
const MOST_PROJECTS = 1 << 16;

const PRJQUOTA = 2;
/** Commands of the VFS, which ext4 knows, too. */
const command = (number: number): number => ((0x58_00 + number) << 8) | PRJQUOTA;
const Q_XGETQUOTA = command(3);
const Q_XSETQLIM = command(4);
const Q_XGETQSTATV = command(8);

/** Linux 5.14: what lies behind an open folder, so that no device is looked for. */
const SYS_QUOTACTL_FD = 443;

function quotactl(fd: number, code: number, project: number, data: Buffer): void {
  const call = native('long syscall(long n, int fd, unsigned int command, unsigned int id, _Inout_ void *data)');
  check('quotactl_fd', call(SYS_QUOTACTL_FD, fd, code, project, data));
}

/** `fs_disk_quota`: sizes are counts of 512 bytes. */
const LIMITS = { bytes: 112, version: 0, flags: 1, fields: 2, project: 4, hard: 8, soft: 16, blocks: 40, files: 48 } as const;
const FS_DQUOT_VERSION = 1;
const FS_PROJ_QUOTA = 2;
const FS_DQ_BSOFT = 1 << 2;
const FS_DQ_BHARD = 1 << 3;

const FS_QUOTA_PDQ_ENFD = 1 << 5;

/** Whether the file system of `folder` holds a project to its limit. */
export function hasProjectQuotas(folder: string): boolean {
  return withFolder(folder, (fd) => {
    const status = Buffer.alloc(256);
    // FS_QSTATV_VERSION1
    status.writeInt8(1, 0);
    try {
      quotactl(fd, Q_XGETQSTATV, 0, status);
    } catch {
      return false;
    }
    return (status.readUInt16LE(2) & FS_QUOTA_PDQ_ENFD) !== 0;
  });
}

/**
 * Together, `folders` may hold `bytes`: what is in them, and what will be. At once, so that no two find the same project.
 * Links, sockets and devices that are in them already can't be counted; they hold nothing.
 * @throws SystemCallError
 */
export function limitFolders(folders: readonly string[], bytes: number): void {
  const [first] = folders;
  if (first === undefined) return;
  const project = withFolder(first, (fd) => {
    const found = freeProject(fd);
    const limits = Buffer.alloc(LIMITS.bytes);
    limits.writeInt8(FS_DQUOT_VERSION, LIMITS.version);
    limits.writeInt8(FS_PROJ_QUOTA, LIMITS.flags);
    limits.writeUInt16LE(FS_DQ_BHARD | FS_DQ_BSOFT, LIMITS.fields);
    limits.writeUInt32LE(found, LIMITS.project);
    for (const at of [LIMITS.hard, LIMITS.soft]) limits.writeBigUInt64LE(BigInt(Math.ceil(bytes / 512)), at);
    quotactl(fd, Q_XSETQLIM, found, limits);
    return found;
  });
  for (const folder of folders) markTree(folder, project);
}

function freeProject(fd: number): number {
  for (let project = FIRST_PROJECT; project < FIRST_PROJECT + MOST_PROJECTS; project += 1) {
    const limits = Buffer.alloc(LIMITS.bytes);
    try {
      quotactl(fd, Q_XGETQUOTA, project, limits);
    } catch (error) {
      // xfs has none of a project that nobody used yet.
      if (error instanceof SystemCallError && error.code === 'ENOENT') return project;
      throw error;
    }
    if (limits.readBigUInt64LE(LIMITS.blocks) === 0n && limits.readBigUInt64LE(LIMITS.files) === 0n) return project;
  }
  throw new Error(`all ${MOST_PROJECTS} projects of the file system are in use`);
}

const FS_IOC_FSGETXATTR = 0x801c581f;
const FS_IOC_FSSETXATTR = 0x401c5820;
/** `fsxattr`. */
const ATTRIBUTES = { bytes: 28, flags: 0, project: 12 } as const;
const FS_XFLAG_PROJINHERIT = 0x200;

function markTree(folder: string, project: number): void {
  mark(folder, project, true);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) markTree(file, project);
    else if (entry.isFile()) mark(file, project, false);
  }
}

function mark(file: string, project: number, inherit: boolean): void {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const call = native('int ioctl(int fd, unsigned long request, _Inout_ void *data)');
    const attributes = Buffer.alloc(ATTRIBUTES.bytes);
    check('ioctl FS_IOC_FSGETXATTR', call(fd, FS_IOC_FSGETXATTR, attributes), file);
    attributes.writeUInt32LE(project, ATTRIBUTES.project);
    // What is made in it later has the project, too.
    if (inherit) attributes.writeUInt32LE((attributes.readUInt32LE(ATTRIBUTES.flags) | FS_XFLAG_PROJINHERIT) >>> 0, ATTRIBUTES.flags);
    check('ioctl FS_IOC_FSSETXATTR', call(fd, FS_IOC_FSSETXATTR, attributes), file);
  } finally {
    closeSync(fd);
  }
}

function withFolder<T>(folder: string, work: (fd: number) => T): T {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}
