import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { openInRoot } from '../../../system/syscall/index.ts';
import { Failure } from '../../failure.ts';
import { resolveInRoot } from '../rootfs.ts';

/** Who a process runs as: numbers for the kernel, `additionalGids` with the primary group first, as dockerd writes it. */
export interface ProcessUser {
  uid: number;
  gid: number;
  additionalGids: number[];
  /** From the passwd entry; `/` when there is none. */
  home: string;
  /** Login name when known. */
  name: string | undefined;
}

interface Passwd {
  name: string;
  uid: number;
  gid: number;
  home: string;
}
interface Group {
  name: string;
  gid: number;
  members: string[];
}

/** Larger files are cut: an image must not make us read gigabytes. */
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_ID = 2147483647;

export function parsePasswd(text: string): Passwd[] {
  const users: Passwd[] = [];
  for (const line of text.split('\n')) {
    const [name, , uid, gid, , home] = line.trim().split(':');
    if (!name || name.startsWith('#') || !/^\d+$/.test(uid ?? '')) continue;
    users.push({ name, uid: Number(uid), gid: Number(gid) || 0, home: home || '/' });
  }
  return users;
}

export function parseGroup(text: string): Group[] {
  const groups: Group[] = [];
  for (const line of text.split('\n')) {
    const [name, , gid, members] = line.trim().split(':');
    if (!name || name.startsWith('#') || !/^\d+$/.test(gid ?? '')) continue;
    groups.push({ name, gid: Number(gid), members: members ? members.split(',') : [] });
  }
  return groups;
}

const isNumber = (text: string): boolean => /^-?\d+$/.test(text);

function checkRange(id: number): number {
  if (id < 0 || id > MAX_ID) throw new Failure('invalidParameter', `uids and gids must be in range 0-${MAX_ID}`);
  return id;
}

/**
 * Looks up `spec` (`""`, `user`, `uid`, `user:group`, `uid:gid`, mixed) in the image's own files. Pure.
 * @throws Failure invalidParameter `unable to find user foo: no matching entries in passwd file`
 */
export function findUser(spec: string, groupAdd: readonly string[], users: readonly Passwd[], groups: readonly Group[]): ProcessUser {
  const colon = spec.indexOf(':');
  const userPart = colon < 0 ? spec : spec.slice(0, colon);
  const groupPart = colon < 0 ? '' : spec.slice(colon + 1);
  const entry = users.find((user) =>
    userPart === '' ? user.uid === 0 : user.name === userPart || (isNumber(userPart) && user.uid === Number(userPart)),
  );
  let uid = 0;
  let gid = 0;
  let additional: number[] = [];
  if (entry) {
    uid = entry.uid;
    gid = entry.gid;
  } else if (userPart !== '') {
    if (!isNumber(userPart)) {
      throw new Failure('invalidParameter', `unable to find user ${userPart}: no matching entries in passwd file`);
    }
    uid = checkRange(Number(userPart));
  }
  if (groupPart !== '') {
    const group = groups.find((item) => item.name === groupPart || (isNumber(groupPart) && item.gid === Number(groupPart)));
    if (group) gid = group.gid;
    else if (isNumber(groupPart)) gid = checkRange(Number(groupPart));
    else throw new Failure('invalidParameter', `unable to find group ${groupPart}: no matching entries in group file`);
  } else if (entry) {
    additional = groups.filter((group) => group.members.includes(entry.name)).map((group) => group.gid);
  }
  for (const name of groupAdd) {
    const group = groups.find((item) => item.name === name || (isNumber(name) && item.gid === Number(name)));
    if (group) additional.push(group.gid);
    else if (isNumber(name)) additional.push(checkRange(Number(name)));
    else throw new Failure('invalidParameter', `Unable to find group ${name}: no matching entries in group file`);
  }
  return { uid, gid, additionalGids: [...new Set([gid, ...additional])], home: entry?.home ?? '/', name: entry?.name };
}

/** O_NONBLOCK: a FIFO under that name must not hold us for ever. An image without the file has no names: dockerd says "no matching entries" then. */
async function readInRoot(root: string, name: string): Promise<string> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  let fd: number;
  try {
    fd = openInRoot(root, name, flags);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSYS') return '';
    try {
      fd = openSync(await resolveInRoot(root, name), flags);
    } catch {
      return '';
    }
  }
  try {
    const buffer = Buffer.alloc(Math.min(fstatSync(fd).size, MAX_BYTES));
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0));
  } catch {
    return '';
  } finally {
    closeSync(fd);
  }
}

/**
 * Who `spec` is in the file system under `root` (a mounted rootfs, or `/proc/PID/root`).
 * Symbolic links are resolved within `root`, by the kernel: what runs in there can't lead the look-up out of it.
 */
export async function lookupUser(root: string, spec: string, groupAdd: readonly string[] = []): Promise<ProcessUser> {
  const [passwd, group] = await Promise.all([readInRoot(root, '/etc/passwd'), readInRoot(root, '/etc/group')]);
  return findUser(spec, groupAdd, parsePasswd(passwd), parseGroup(group));
}
