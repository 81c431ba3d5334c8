import { closeSync, existsSync, openSync, readSync, watch, writeFileSync } from 'node:fs';
import { eventFd, streamOf } from '../syscall/index.ts';
import { parseKeyed, readTextNow } from './files.ts';
import type { OomWatch } from './types.ts';

/** A group that is at its limit has the kernel write its events anew a hundred times a second. */
const LOOK_EVERY_MS = 100;

/**
 * cgroup v1: an eventfd that the kernel writes to each time the group has no memory left, whether something is killed or, without the
 * OOM killer, its processes are to wait. The event loop waits for all of them at once.
 *
 * Source: kernel Documentation/admin-guide/cgroup-v1/memory.rst, section 10
 */
export function watchOomControl(folder: string, heard: () => void): OomWatch {
  const event = eventFd();
  try {
    const control = openSync(`${folder}/memory.oom_control`, 'r');
    try {
      writeFileSync(`${folder}/cgroup.event_control`, `${event} ${control}`);
    } finally {
      // The registration lives as long as the eventfd does.
      closeSync(control);
    }
  } catch (error) {
    closeSync(event);
    throw error;
  }
  // The end of the group is an event, too.
  const look = (): void => {
    if (existsSync(folder)) heard();
  };
  const stream = streamOf(event, `of ${folder}`);
  stream.on('data', look).on('error', () => undefined);
  stream.unref();
  return {
    close() {
      stream.removeAllListeners('data');
      if (isPending(event)) look();
      stream.destroy();
    },
  };
}

/** Whether something came that the event loop has not read yet. */
function isPending(event: number): boolean {
  try {
    return readSync(event, Buffer.alloc(8)) > 0;
  } catch {
    return false;
  }
}

/**
 * cgroup v2: the kernel marks `memory.events` as changed, of which its `oom_kill` is only one reason.
 *
 * Source: kernel Documentation/admin-guide/cgroup-v2.rst, memory.events
 */
export function watchMemoryEvents(folder: string, heard: () => void): OomWatch {
  const file = `${folder}/memory.events`;
  const kills = (): number => parseKeyed(readTextNow(file)).oom_kill ?? 0;
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    const now = kills();
    if (now > seen) {
      seen = now;
      heard();
    }
  };
  const watcher = watch(file, { persistent: false }, () => {
    if (timer) return;
    look();
    timer = setTimeout(() => {
      timer = undefined;
      look();
    }, LOOK_EVERY_MS).unref();
  });
  watcher.on('error', () => undefined);
  let seen = kills();
  return {
    close() {
      clearTimeout(timer);
      watcher.close();
      look();
    },
  };
}
