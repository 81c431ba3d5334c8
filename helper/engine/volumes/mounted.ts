import { type HostMounts, mountNamespaceOf, mounts, takeMount, unmountElsewhere } from '../../system/mount/index.ts';
import type { EngineContext, Log } from '../context.ts';
import { messageOf } from '../failure.ts';
import { type DriverOptions, mountVolume, unmountVolume } from './options.ts';

/** A container that runs while the engine starts. */
export interface Run {
  container: string;
  /** Of its conmon, which is in the mount namespace of the engine that started it. */
  monitorPid: number;
  /** Names of its volumes. */
  volumes: string[];
}

/**
 * What the driver options of volumes mount: each once, while somebody holds it. All in the volume's queue.
 *
 * Mounts lie in the engine's own mount namespace (docs/decisions/0003), which goes with it where the host's mounts are private. But the
 * monitors of what it started stay there, so the mounts do, too, and the next engine takes them over: a tmpfs has its files still, and
 * nothing is mounted over what others have.
 */
export class MountedVolumes {
  readonly #log: Log;
  readonly #host: HostMounts | undefined;
  /** Host path → who holds it: containers that run, and who copies. */
  readonly #holders = new Map<string, Set<string>>();
  readonly #mounted = new Set<string>();
  /** Monitors in mount namespaces of engines before this one, with the namespace's name. */
  readonly #elders = new Map<number, string>();

  constructor({ log, host }: Pick<EngineContext, 'log' | 'host'>) {
    this.#log = log;
    this.#host = host;
  }

  /** @throws Failure system with mount's words; the holder holds nothing then */
  async hold(target: string, options: DriverOptions, holder: string): Promise<void> {
    if (!this.#mounted.has(target)) {
      await mountVolume(options, target, this.#host);
      this.#mounted.add(target);
    }
    this.#add(target, holder);
  }

  /** The last one unmounts. Idempotent. @throws Failure system */
  async letGo(target: string, holder: string): Promise<void> {
    const holders = this.#holders.get(target);
    if (!holders?.delete(holder) || holders.size > 0) return;
    this.#holders.delete(target);
    await this.#unmount(target);
  }

  /**
   * When the engine starts: takes over what those that run have, and unmounts what nobody has.
   *
   * @param targets host path of each volume that has something to mount, by name
   */
  async takeOver(targets: ReadonlyMap<string, string>, runs: readonly Run[]): Promise<void> {
    if (targets.size === 0) return;
    const own = mountNamespaceOf('self');
    for (const { monitorPid } of runs) {
      const namespace = mountNamespaceOf(monitorPid);
      if (namespace !== undefined && namespace !== own) this.#elders.set(monitorPid, namespace);
    }
    // Where the host's mounts are shared, they are all here already.
    const here = new Set((await mounts()).map(({ target }) => target));
    for (const target of targets.values()) if (here.has(target)) this.#mounted.add(target);
    for (const { container, monitorPid, volumes } of runs) {
      for (const name of volumes) {
        const target = targets.get(name);
        if (target === undefined) continue;
        this.#add(target, container);
        if (!this.#mounted.has(target) && this.#take(monitorPid, target, name)) this.#mounted.add(target);
      }
    }
    for (const [name, target] of targets) {
      if (this.#holders.has(target)) {
        if (!this.#mounted.has(target)) this.#log.warn('a volume in use is mounted anew for the next container', { volume: name });
        continue;
      }
      await this.#unmount(target).catch((error) => this.#log.warn('a volume stays mounted', { volume: name, error: messageOf(error) }));
    }
  }

  #take(monitorPid: number, target: string, volume: string): boolean {
    try {
      return takeMount(monitorPid, target);
    } catch (error) {
      this.#log.warn("a running container's volume could not be taken over", { volume, error: messageOf(error) });
      return false;
    }
  }

  #add(target: string, holder: string): void {
    const holders = this.#holders.get(target) ?? new Set();
    holders.add(holder);
    this.#holders.set(target, holders);
  }

  async #unmount(target: string): Promise<void> {
    if (this.#mounted.has(target)) {
      await unmountVolume(target);
      this.#mounted.delete(target);
    }
    const left = new Set<string>();
    for (const [pid, namespace] of this.#elders) {
      if (mountNamespaceOf(pid) !== namespace) this.#elders.delete(pid);
      else if (!left.has(namespace)) {
        left.add(namespace);
        unmountElsewhere(pid, [target]);
      }
    }
  }
}
