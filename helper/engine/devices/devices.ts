import type { DeviceRequest } from '../../contract/docker/index.ts';
import { findProgram } from '../../system/process/find-program.ts';
import type { EngineContext } from '../context.ts';
import { Failure } from '../failure.ts';
import { addCdiDevices } from './cdi.ts';
import { CdiRegistry } from './cdi-registry.ts';
import { type GpuDriver, gpuDriver } from './gpus.ts';
import type { DeviceEdits } from './types.ts';

/** The devices that a container can ask for by name or by what they can do. */
export class Devices {
  #registry = new CdiRegistry();
  readonly #folders: readonly string[] | undefined;
  readonly #find: (program: string) => string | undefined;

  constructor({ config }: Pick<EngineContext, 'config'>, find = findProgram) {
    this.#folders = config.cdiSpecDirs;
    this.#find = find;
  }

  /** What is known of them, as info says it. */
  async discovered(): Promise<{ devices: { Source: string; ID: string }[]; warnings: string[] }> {
    if (!this.#folders) return { devices: [], warnings: [] };
    if (!this.#folders.length)
      return { devices: [], warnings: ['CDI cache initialization failed: no CDI specification directories specified'] };
    const { devices, errors } = await this.#registry.list(this.#folders);
    return {
      devices: [...devices.keys()].sort().map((ID) => ({ Source: 'cdi', ID })),
      warnings: errors.map(({ file, message }) => `CDI: Error associated with spec file ${file}: ${message}`),
    };
  }

  /**
   * What the requests change in a container's spec.
   * @throws Failure system, where dockerd finds it out as well: at the start
   */
  async edits(requests: readonly DeviceRequest[]): Promise<DeviceEdits> {
    const edits: DeviceEdits = { env: [], nodes: [], rules: [], mounts: [], hooks: [], intelRdt: undefined, gids: [] };
    for (const request of requests) {
      if (request.Driver === 'cdi' && this.#folders) await addCdiDevices(edits, request, this.#registry, this.#folders);
      else {
        const { driver, words } = selected(gpuDriver(this.#find, process.env), request);
        driver.add(edits, request, words);
      }
    }
    return edits;
  }
}

function selected(driver: GpuDriver | undefined, request: DeviceRequest): { driver: GpuDriver; words: string[] } {
  const lists = request.Capabilities ?? [];
  const words = lists.find((list) => list.every((word) => driver?.capabilities.has(word)));
  if (driver && words && (!request.Driver || request.Driver === driver.name)) return { driver, words };
  const capabilities = `[${lists.map((list) => `[${list.join(' ')}]`).join(' ')}]`;
  throw new Failure('system', `could not select device driver "${request.Driver ?? ''}" with capabilities: ${capabilities}`);
}
