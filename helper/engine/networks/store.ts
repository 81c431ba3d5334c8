import { promises as fs } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { readJson, sweepTemporary, syncFolder, writeJson } from '../../store/durable.ts';
import type { Log } from '../context.ts';
import { parseAddress, parseCidr } from './ipam/addresses.ts';

/** DATA/networks/ID.json: what a network is. Who is in it is the containers' state, and told by `adopt`. */
const TEXTS = v.record(v.string(), v.string());
const CIDR = v.pipe(
  v.string(),
  v.check((text) => parseCidr(text) !== undefined, 'no subnet'),
);
const ADDRESS = v.pipe(
  v.string(),
  v.check((text) => parseAddress(text) !== undefined, 'no address'),
);
const POOL = v.object({
  subnet: CIDR,
  range: v.optional(CIDR),
  gateway: v.optional(ADDRESS),
  aux: TEXTS,
  /** The user wrote the subnet: only then may endpoints ask for addresses. */
  chosen: v.boolean(),
});
const SCHEMA = v.object({
  version: v.literal(1),
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  name: v.string(),
  createdAt: v.string(),
  driver: v.picklist(['bridge', 'macvlan', 'ipvlan', 'host', 'null']),
  internal: v.boolean(),
  attachable: v.boolean(),
  ipv4: v.boolean(),
  ipv6: v.boolean(),
  ipam: v.object({
    driver: v.string(),
    options: v.nullable(TEXTS),
    config: v.array(POOL),
    /** IPv6 subnets that the user named for a network without IPv6: shown, and no more. */
    idle: v.optional(v.array(POOL)),
  }),
  options: TEXTS,
  labels: TEXTS,
  /** Only settings (`--config-only`): no link, no addresses given. */
  configOnly: v.optional(v.boolean()),
  /** Name of the network whose settings these are. */
  configFrom: v.optional(v.string()),
  /** Name of the bridge link; of the parent for macvlan and ipvlan. */
  link: v.string(),
});
export type StoredNetwork = v.InferOutput<typeof SCHEMA>;
export type StoredIpam = StoredNetwork['ipam']['config'][number];

export class NetworkStore {
  readonly #folder: string;
  readonly #log: Log;
  constructor(folder: string, log: Log) {
    this.#folder = folder;
    this.#log = log;
  }

  async read(): Promise<StoredNetwork[]> {
    await fs.mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await sweepTemporary(this.#folder);
    const networks: StoredNetwork[] = [];
    for (const file of await fs.readdir(this.#folder)) {
      if (!file.endsWith('.json')) continue;
      const result = await readJson(path.join(this.#folder, file), (value) => v.parse(SCHEMA, value));
      if (result.status === 'ok') networks.push(result.value);
      else if (result.status === 'damaged') {
        const { reason, movedTo } = result;
        this.#log.error('a network can not be read and is left out', { network: path.basename(file, '.json'), reason, movedTo });
      }
    }
    return networks;
  }

  async write(network: StoredNetwork): Promise<void> {
    await writeJson(path.join(this.#folder, `${network.id}.json`), network);
  }

  async remove(id: string): Promise<void> {
    await fs.rm(path.join(this.#folder, `${id}.json`), { force: true });
    await syncFolder(this.#folder);
  }
}
