import * as v from 'valibot';

/**
 * The configuration's keys: dockerd's (daemon.json) where they exist, and a few of ours (`bin`, `statistics`).
 * Each key is in one of three positions: it works; it works with the values that we can do; it is taken and has no effect here,
 * which the log says at the start. What a reader would believe to protect them, and does not, is refused.
 * Source: dockerd's documentation, "Daemon configuration file".
 */

const TEXTS = v.array(v.string());
const COUNT = v.pipe(v.number(), v.integer(), v.minValue(0, 'must not be negative'));
/** Less than an IPv4 link may have, or more than a bridge takes, would leave the default bridge without its link. */
const MTU = v.pipe(
  COUNT,
  v.check((mtu) => mtu === 0 || (mtu >= 68 && mtu <= 65_535), 'from 68 to 65535, or 0 for the default'),
);
const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal', 'panic', 'trace'] as const;
const SIZE = v.union([v.string(), v.number()]);
const ULIMIT = v.object({ Name: v.optional(v.string()), Soft: v.number(), Hard: v.number() });
const RUNTIME = v.strictObject({ path: v.pipe(v.string(), v.nonEmpty('must not be empty')), runtimeArgs: v.optional(TEXTS) });

/** Only this value: anything else asks for what the engine has not. */
function only<const T extends string | boolean>(values: readonly T[], why: string) {
  return v.custom<T>((value) => values.includes(value as T), why);
}

export const FILE = v.strictObject({
  'allow-direct-routing': v.optional(v.boolean()),
  'allow-nondistributable-artifacts': v.optional(TEXTS),
  'authorization-plugins': v.optional(v.pipe(TEXTS, v.maxLength(0, 'this engine has no plugins, so nobody would check requests'))),
  bin: v.optional(
    v.strictObject({
      containers: v.optional(v.boolean()),
      volumes: v.optional(v.boolean()),
      'max-size': v.optional(SIZE),
      'keep-days': v.optional(COUNT),
    }),
  ),
  bip: v.optional(v.string()),
  bip6: v.optional(v.string()),
  bridge: v.optional(v.string()),
  builder: v.optional(v.record(v.string(), v.unknown())),
  'cdi-spec-dirs': v.optional(TEXTS),
  'cgroup-parent': v.optional(v.string()),
  containerd: v.optional(v.string()),
  'containerd-namespace': v.optional(v.string()),
  'containerd-plugin-namespace': v.optional(v.string()),
  'containerd-plugins-namespace': v.optional(v.string()),
  'cpu-rt-period': v.optional(v.number()),
  'cpu-rt-runtime': v.optional(v.number()),
  'cri-containerd': v.optional(v.boolean()),
  'data-root': v.optional(v.string()),
  debug: v.optional(v.boolean()),
  'default-address-pools': v.optional(v.array(v.object({ base: v.string(), size: v.number() }))),
  'default-cgroupns-mode': v.optional(v.picklist(['host', 'private'], 'use "host" or "private"')),
  'default-gateway': v.optional(v.string()),
  'default-gateway-v6': v.optional(v.string()),
  'default-ipc-mode': v.optional(v.picklist(['private', 'shareable'], 'use "shareable" or "private"')),
  'default-network-opts': v.optional(v.record(v.string(), v.record(v.string(), v.string()))),
  'default-runtime': v.optional(v.string()),
  'default-shm-size': v.optional(SIZE),
  'default-ulimits': v.optional(v.record(v.string(), ULIMIT)),
  dns: v.optional(TEXTS),
  'dns-opts': v.optional(TEXTS),
  'dns-search': v.optional(TEXTS),
  'exec-opts': v.optional(TEXTS),
  'exec-root': v.optional(v.string()),
  experimental: v.optional(v.boolean()),
  features: v.optional(v.record(v.string(), v.boolean())),
  'firewall-backend': v.optional(only(['', 'nftables'], 'the engine writes nftables rules')),
  'fixed-cidr': v.optional(v.string()),
  'fixed-cidr-v6': v.optional(v.string()),
  group: v.optional(v.string()),
  'host-gateway-ip': v.optional(v.string()),
  'host-gateway-ips': v.optional(TEXTS),
  hosts: v.optional(TEXTS),
  icc: v.optional(v.boolean()),
  init: v.optional(v.boolean()),
  'init-path': v.optional(v.string()),
  'insecure-registries': v.optional(TEXTS),
  ip: v.optional(v.string()),
  'ip-forward': v.optional(v.boolean()),
  'ip-forward-no-drop': v.optional(v.boolean()),
  'ip-masq': v.optional(v.boolean()),
  ip6tables: v.optional(v.boolean()),
  iptables: v.optional(v.boolean()),
  ipv6: v.optional(v.boolean()),
  labels: v.optional(TEXTS),
  'live-restore': v.optional(v.boolean()),
  'log-driver': v.optional(v.string()),
  'log-format': v.optional(v.picklist(['text', 'json'], ({ input }) => `invalid log format: ${input}`)),
  'log-level': v.optional(
    v.pipe(
      v.string(),
      v.toLowerCase(),
      v.picklist(LEVELS, ({ input }) => `invalid logging level: ${input}`),
    ),
  ),
  'log-opts': v.optional(v.record(v.string(), v.string())),
  'max-concurrent-downloads': v.optional(COUNT),
  'max-concurrent-uploads': v.optional(COUNT),
  'max-download-attempts': v.optional(COUNT),
  'metrics-addr': v.optional(v.string()),
  mtu: v.optional(MTU),
  'network-control-plane-mtu': v.optional(v.number()),
  'network-diagnostic-port': v.optional(v.number()),
  'no-new-privileges': v.optional(v.boolean()),
  'node-generic-resources': v.optional(TEXTS),
  pidfile: v.optional(v.string()),
  proxies: v.optional(
    v.strictObject({ 'http-proxy': v.optional(v.string()), 'https-proxy': v.optional(v.string()), 'no-proxy': v.optional(v.string()) }),
  ),
  'raw-logs': v.optional(v.boolean()),
  'registry-mirrors': v.optional(TEXTS),
  runtimes: v.optional(v.record(v.string(), RUNTIME)),
  'seccomp-profile': v.optional(v.string()),
  'selinux-enabled': v.optional(only([false], 'the engine sets no SELinux labels')),
  'shutdown-timeout': v.optional(v.pipe(v.number(), v.integer())),
  statistics: v.optional(
    v.union([
      v.boolean(),
      v.strictObject({
        'interval-seconds': v.pipe(v.number(), v.integer(), v.minValue(1, 'at least 1'), v.maxValue(3600, 'at most 3600')),
      }),
    ]),
  ),
  'storage-driver': v.optional(only(['', 'overlay2', 'overlay'], 'the engine has the driver overlay2 only')),
  'storage-opts': v.optional(TEXTS),
  'swarm-default-advertise-addr': v.optional(v.string()),
  'swarm-raft-election-tick': v.optional(v.number()),
  'swarm-raft-heartbeat-tick': v.optional(v.number()),
  tls: v.optional(v.boolean()),
  tlscacert: v.optional(v.string()),
  tlscert: v.optional(v.string()),
  tlskey: v.optional(v.string()),
  tlsverify: v.optional(v.boolean()),
  'userland-proxy': v.optional(v.boolean()),
  'userland-proxy-path': v.optional(v.string()),
  'userns-remap': v.optional(only([''], 'the engine does not remap users')),
});
export type File = v.InferOutput<typeof FILE>;
export type Key = keyof File;

export interface Flag {
  /** Where it is not the key's own name: dockerd's flags are in the singular. */
  name?: string;
  short?: string;
  takes: 'nothing' | 'text' | 'number' | 'list' | 'map' | 'maps' | 'pools' | 'ulimits' | 'switches' | 'member';
}

interface About {
  text: string;
  flag?: Flag;
  /** Of a key that holds an object: flags for its members, by the members' names. */
  members?: readonly string[];
  /** SIGHUP takes it over; the others wait for the next start. */
  reload?: true;
  /** Taken, since daemon.json files have it; does nothing here. */
  noEffect?: true;
}

const text: Flag = { takes: 'text' };
const number: Flag = { takes: 'number' };
const nothing: Flag = { takes: 'nothing' };
const list = (name: string, short?: string): Flag => ({ name, takes: 'list', ...(short ? { short } : {}) });

/** What each key is for, in the order of --help and of docs/guide/engine.md. */
export const KEYS: Record<Key, About> = {
  hosts: { text: 'where to listen: unix://PATH, fd:// (systemd), tcp://ADDRESS:PORT; several', flag: list('host', 'H') },
  group: { text: 'group of the Unix socket (default gantry, else docker)', flag: { takes: 'text', short: 'G' } },
  tls: { text: 'TLS; false allows TCP in the clear, on loopback only', flag: nothing },
  tlsverify: { text: 'TLS, for clients with a certificate of tlscacert only', flag: nothing },
  tlscacert: { text: 'CA of the clients (default /etc/gantry/tls/ca.pem)', flag: text },
  tlscert: { text: "the engine's certificate (default /etc/gantry/tls/cert.pem)", flag: text },
  tlskey: { text: 'its key (default /etc/gantry/tls/key.pem)', flag: text },
  'data-root': { text: 'durable state (default /var/lib/gantry)', flag: text },
  'exec-root': { text: 'state for the life of the boot (default /run/gantry)', flag: text },
  pidfile: { text: 'file that gets the process id', flag: { takes: 'text', short: 'p' } },
  debug: { text: 'log-level debug', flag: { takes: 'nothing', short: 'D' }, reload: true },
  'log-level': { text: 'debug, info, warn, error or fatal (default info)', flag: { takes: 'text', short: 'l' }, reload: true },
  'log-format': { text: 'text or json (default text)', flag: text },
  'metrics-addr': { text: 'ADDRESS:PORT of the metrics for Prometheus', flag: text },
  labels: { text: 'labels of the engine, KEY=VALUE', flag: list('label'), reload: true },
  'live-restore': {
    text: 'containers run on when the engine stops (default true; dockerd: false)',
    flag: nothing,
    reload: true,
  },
  'shutdown-timeout': { text: 'seconds that a stop waits for containers without live-restore (default 15)', flag: number, reload: true },
  statistics: { text: "keep each container's statistics for 24 hours: true, false or { interval-seconds } (default 30)" },
  bin: { text: 'which plain removals go into the bin (containers, volumes), its max-size and keep-days', reload: true },

  'registry-mirrors': { text: 'mirrors of docker.io', flag: list('registry-mirror'), reload: true },
  'insecure-registries': { text: 'registries without TLS or a known certificate', flag: list('insecure-registry'), reload: true },
  'max-concurrent-downloads': { text: 'layers at once (default 6)', flag: number, reload: true },
  'max-concurrent-uploads': { text: 'layers at once (default 5)', flag: number, reload: true },
  'max-download-attempts': { text: 'tries for a layer whose connection breaks (default 5)', flag: number, reload: true },
  proxies: { text: 'http-proxy, https-proxy, no-proxy, for registries', members: ['http-proxy', 'https-proxy', 'no-proxy'] },

  'default-runtime': {
    text: 'crun, runc or one of runtimes (default crun, or runc where only that is installed)',
    flag: text,
    reload: true,
  },
  runtimes: { text: 'more OCI runtimes: NAME: { path, runtimeArgs }', flag: { name: 'add-runtime', takes: 'map' }, reload: true },
  init: { text: 'an init in each container that does not say otherwise', flag: nothing },
  'cgroup-parent': { text: 'cgroup above the containers', flag: text },
  'default-cgroupns-mode': { text: 'host or private (default private on cgroup v2, host on v1)', flag: text, reload: true },
  'default-ipc-mode': { text: 'private or shareable (default private)', flag: text, reload: true },
  'default-shm-size': { text: 'size of /dev/shm (default 64MiB)', flag: text, reload: true },
  'default-ulimits': { text: 'limits of processes: NAME: { Name, Soft, Hard }', flag: { name: 'default-ulimit', takes: 'ulimits' } },
  'no-new-privileges': { text: 'no process of a container gains privileges', flag: nothing },
  'seccomp-profile': { text: 'file of a seccomp profile, builtin or unconfined (default builtin)', flag: text },
  'log-driver': { text: 'json-file, local, journald or none (default json-file)', flag: text },
  'log-opts': { text: 'its options', flag: { name: 'log-opt', takes: 'map' } },

  bridge: { text: 'none for no default bridge, or a bridge link of your own', flag: { takes: 'text', short: 'b' } },
  bip: { text: 'address and subnet of the default bridge', flag: text },
  bip6: { text: 'the same for IPv6', flag: text },
  'default-gateway': { text: "gateway of the default bridge's containers (default the bridge)", flag: text },
  'default-gateway-v6': { text: 'the same for IPv6', flag: text },
  'fixed-cidr': { text: "part of it that containers' addresses come from", flag: text },
  'fixed-cidr-v6': { text: 'the same for IPv6; without bip6 its subnet, too', flag: text },
  ipv6: { text: 'IPv6 on the default bridge', flag: nothing },
  icc: { text: 'containers on the default bridge reach each other (default true)', flag: nothing },
  ip: { text: 'address that ports are published on (default 0.0.0.0)', flag: text },
  mtu: { text: 'of the default bridge and its containers (default 1500)', flag: number },
  'allow-direct-routing': { text: "published ports can be reached at the containers' addresses, too, by other hosts", flag: nothing },
  'ip-masq': { text: 'NAT for the default bridge (default true)', flag: nothing },
  'ip-forward': { text: 'switch net.ipv4.ip_forward on (default true)', flag: nothing },
  iptables: { text: 'packet filter rules; false leaves NAT and isolation to you (default true)', flag: nothing },
  ip6tables: { text: 'the same for IPv6 alone', flag: nothing },
  'userland-proxy': { text: 'a proxy serves published ports where the packet filter cannot (default true)', flag: nothing },
  'default-address-pools': {
    text: "where networks' subnets come from: { base, size }",
    flag: { name: 'default-address-pool', takes: 'pools' },
  },
  'default-network-opts': {
    text: 'options of new networks by driver: { bridge: { OPTION: VALUE } }',
    flag: { name: 'default-network-opt', takes: 'maps' },
  },
  'host-gateway-ips': { text: 'what host-gateway in --add-host stands for', flag: list('host-gateway-ip') },
  'host-gateway-ip': { text: 'the same, one address' },
  dns: { text: 'name servers of containers', flag: list('dns') },
  'dns-opts': { text: 'resolver options', flag: list('dns-opt') },
  'dns-search': { text: 'search domains', flag: list('dns-search') },

  experimental: { text: 'said in info; nothing depends on it', flag: nothing },
  features: { text: 'switches of dockerd', flag: { name: 'feature', takes: 'switches' }, reload: true },
  'cdi-spec-dirs': {
    text: 'folders of CDI spec files (default /etc/cdi, /var/run/cdi; `features.cdi` false: none)',
    flag: list('cdi-spec-dir'),
  },
  'storage-driver': { text: 'overlay2', flag: { takes: 'text', short: 's' } },
  'storage-opts': {
    text: 'overlay2.size=SIZE: what a container may write, by project quotas (default no limit)',
    flag: list('storage-opt'),
  },
  'firewall-backend': { text: 'nftables', flag: text },
  'selinux-enabled': { text: 'false', flag: nothing },
  'userns-remap': { text: 'empty', flag: text },
  'authorization-plugins': { text: 'none', flag: list('authorization-plugin') },
  'allow-nondistributable-artifacts': { text: 'all layers are pushed', flag: list('allow-nondistributable-artifacts'), noEffect: true },
  builder: { text: "dockerd's builder", noEffect: true },
  containerd: { text: "dockerd's containerd", flag: text, noEffect: true },
  'containerd-namespace': { text: "dockerd's containerd", flag: text, noEffect: true },
  'containerd-plugin-namespace': { text: "dockerd's containerd", noEffect: true },
  'containerd-plugins-namespace': { text: "dockerd's containerd", flag: text, noEffect: true },
  'cpu-rt-period': { text: 'a cgroup-parent has the time that you gave it', flag: number, noEffect: true },
  'cpu-rt-runtime': { text: 'a cgroup-parent has the time that you gave it', flag: number, noEffect: true },
  'cri-containerd': { text: "dockerd's containerd", flag: nothing, noEffect: true },
  'exec-opts': { text: 'the engine makes its cgroups itself', flag: list('exec-opt'), noEffect: true },
  'init-path': { text: 'the init is catatonit, tini or docker-init, as found', flag: text, noEffect: true },
  'ip-forward-no-drop': { text: 'the policy of FORWARD is never touched', flag: nothing, noEffect: true },
  'network-control-plane-mtu': { text: 'for Swarm', flag: number, noEffect: true },
  'network-diagnostic-port': { text: 'for Swarm', flag: number, noEffect: true },
  'node-generic-resources': { text: 'for Swarm', flag: list('node-generic-resource'), noEffect: true },
  'swarm-default-advertise-addr': { text: 'for Swarm', flag: text, noEffect: true },
  'swarm-raft-election-tick': { text: 'for Swarm', flag: number, noEffect: true },
  'swarm-raft-heartbeat-tick': { text: 'for Swarm', flag: number, noEffect: true },
  'raw-logs': { text: 'the log has no colours', flag: nothing, noEffect: true },
  'userland-proxy-path': { text: 'the proxy is part of the engine', flag: text, noEffect: true },
};
