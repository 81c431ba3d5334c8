import type { Shape } from './decode.ts';

/** Shapes of the request bodies; the types are in contract/docker/index.ts. */

const STRINGS: Shape = { list: 'string' };
const TEXTS: Shape = { map: 'string' };
const SET: Shape = { map: { struct: {} } };

const ENDPOINT: Shape = {
  struct: {
    IPAMConfig: { struct: { IPv4Address: 'string', IPv6Address: 'string', LinkLocalIPs: STRINGS } },
    Links: STRINGS,
    Aliases: STRINGS,
    MacAddress: 'string',
    DriverOpts: TEXTS,
    GwPriority: 'int',
    NetworkID: 'string',
    EndpointID: 'string',
    Gateway: 'string',
    IPAddress: 'string',
    IPPrefixLen: 'int',
    IPv6Gateway: 'string',
    GlobalIPv6Address: 'string',
    GlobalIPv6PrefixLen: 'int',
    DNSNames: STRINGS,
  },
};

const THROTTLES: Shape = { list: { struct: { Path: 'string', Rate: 'int' } } };

const RESOURCES: Record<string, Shape> = {
  CpuShares: 'int',
  Memory: 'int',
  CgroupParent: 'string',
  BlkioWeight: 'int',
  BlkioWeightDevice: { list: { struct: { Path: 'string', Weight: 'int' } } },
  BlkioDeviceReadBps: THROTTLES,
  BlkioDeviceWriteBps: THROTTLES,
  BlkioDeviceReadIOps: THROTTLES,
  BlkioDeviceWriteIOps: THROTTLES,
  CpuPeriod: 'int',
  CpuQuota: 'int',
  CpuRealtimePeriod: 'int',
  CpuRealtimeRuntime: 'int',
  CpusetCpus: 'string',
  CpusetMems: 'string',
  Devices: { list: { struct: { PathOnHost: 'string', PathInContainer: 'string', CgroupPermissions: 'string' } } },
  DeviceCgroupRules: STRINGS,
  DeviceRequests: {
    list: { struct: { Driver: 'string', Count: 'int', DeviceIDs: STRINGS, Capabilities: { list: STRINGS }, Options: TEXTS } },
  },
  KernelMemory: 'int',
  KernelMemoryTCP: 'int',
  MemoryReservation: 'int',
  MemorySwap: 'int',
  MemorySwappiness: 'int',
  NanoCpus: 'int',
  OomKillDisable: 'bool',
  Init: 'bool',
  PidsLimit: 'int',
  Ulimits: { list: { struct: { Name: 'string', Soft: 'int', Hard: 'int' } } },
  CpuCount: 'int',
  CpuPercent: 'int',
  IOMaximumIOps: 'int',
  IOMaximumBandwidth: 'int',
};

const RESTART_POLICY: Shape = { struct: { Name: 'string', MaximumRetryCount: 'int' } };

const MOUNT: Shape = {
  struct: {
    Target: 'string',
    Source: 'string',
    Type: 'string',
    ReadOnly: 'bool',
    Consistency: 'string',
    BindOptions: {
      struct: {
        Propagation: 'string',
        NonRecursive: 'bool',
        CreateMountpoint: 'bool',
        ReadOnlyNonRecursive: 'bool',
        ReadOnlyForceRecursive: 'bool',
      },
    },
    VolumeOptions: {
      struct: {
        NoCopy: 'bool',
        Labels: TEXTS,
        DriverConfig: { struct: { Name: 'string', Options: TEXTS } },
        Subpath: 'string',
      },
    },
    ImageOptions: { struct: { Subpath: 'string' } },
    TmpfsOptions: { struct: { SizeBytes: 'int', Mode: 'int', Options: { list: STRINGS } } },
  },
};

const HOST_CONFIG: Shape = {
  struct: {
    ...RESOURCES,
    Binds: STRINGS,
    ContainerIDFile: 'string',
    LogConfig: { struct: { Type: 'string', Config: TEXTS } },
    NetworkMode: 'string',
    PortBindings: { map: { list: { struct: { HostIp: 'string', HostPort: 'string' } } } },
    RestartPolicy: RESTART_POLICY,
    AutoRemove: 'bool',
    VolumeDriver: 'string',
    VolumesFrom: STRINGS,
    Mounts: { list: MOUNT },
    ConsoleSize: { list: 'int' },
    Annotations: TEXTS,
    CapAdd: 'words',
    CapDrop: 'words',
    CgroupnsMode: 'string',
    Dns: STRINGS,
    DnsOptions: STRINGS,
    DnsSearch: STRINGS,
    ExtraHosts: STRINGS,
    GroupAdd: STRINGS,
    IpcMode: 'string',
    Cgroup: 'string',
    Links: STRINGS,
    OomScoreAdj: 'int',
    PidMode: 'string',
    Privileged: 'bool',
    PublishAllPorts: 'bool',
    ReadonlyRootfs: 'bool',
    SecurityOpt: STRINGS,
    StorageOpt: TEXTS,
    Tmpfs: TEXTS,
    UTSMode: 'string',
    UsernsMode: 'string',
    ShmSize: 'int',
    Sysctls: TEXTS,
    Runtime: 'string',
    Isolation: 'string',
    MaskedPaths: STRINGS,
    ReadonlyPaths: STRINGS,
  },
};

const CONFIG: Record<string, Shape> = {
  Hostname: 'string',
  Domainname: 'string',
  User: 'string',
  AttachStdin: 'bool',
  AttachStdout: 'bool',
  AttachStderr: 'bool',
  ExposedPorts: SET,
  Tty: 'bool',
  OpenStdin: 'bool',
  StdinOnce: 'bool',
  Env: STRINGS,
  Cmd: 'words',
  Healthcheck: {
    struct: { Test: STRINGS, Interval: 'int', Timeout: 'int', StartPeriod: 'int', StartInterval: 'int', Retries: 'int' },
  },
  ArgsEscaped: 'bool',
  Image: 'string',
  Volumes: SET,
  WorkingDir: 'string',
  Entrypoint: 'words',
  NetworkDisabled: 'bool',
  MacAddress: 'string',
  OnBuild: STRINGS,
  Labels: TEXTS,
  StopSignal: 'string',
  StopTimeout: 'int',
  Shell: 'words',
};

export const SHAPES = {
  containerConfig: { struct: CONFIG },
  containerCreate: {
    // docker-py's `runtime` is beside the config instead of in HostConfig.
    struct: {
      ...CONFIG,
      Runtime: 'string',
      HostConfig: HOST_CONFIG,
      NetworkingConfig: { struct: { EndpointsConfig: { map: ENDPOINT, ordered: true } } },
    },
  },
  containerUpdate: { struct: { ...RESOURCES, RestartPolicy: RESTART_POLICY } },
  execCreate: {
    struct: {
      AttachStdin: 'bool',
      AttachStdout: 'bool',
      AttachStderr: 'bool',
      ConsoleSize: { list: 'int' },
      DetachKeys: 'string',
      Tty: 'bool',
      Env: STRINGS,
      Cmd: STRINGS,
      Privileged: 'bool',
      User: 'string',
      WorkingDir: 'string',
    },
  },
  execStart: { struct: { Detach: 'bool', Tty: 'bool', ConsoleSize: { list: 'int' } } },
  networkCreate: {
    struct: {
      Name: 'string',
      CheckDuplicate: 'bool',
      Driver: 'string',
      Scope: 'string',
      Internal: 'bool',
      Attachable: 'bool',
      Ingress: 'bool',
      ConfigOnly: 'bool',
      ConfigFrom: { struct: { Network: 'string' } },
      IPAM: {
        struct: {
          Driver: 'string',
          Options: TEXTS,
          Config: {
            list: { struct: { Subnet: 'string', IPRange: 'string', Gateway: 'string', AuxiliaryAddresses: TEXTS } },
          },
        },
      },
      EnableIPv4: 'bool',
      EnableIPv6: 'bool',
      Options: TEXTS,
      Labels: TEXTS,
    },
  },
  networkConnect: { struct: { Container: 'string', EndpointConfig: ENDPOINT } },
  networkDisconnect: { struct: { Container: 'string', Force: 'bool' } },
  volumeCreate: { struct: { Name: 'string', Driver: 'string', DriverOpts: TEXTS, Labels: TEXTS, ClusterVolumeSpec: 'any' } },
  bin: { struct: { Container: 'string', Volume: 'string', Force: 'bool', Volumes: 'bool' } },
  binRestore: { struct: { Name: 'string' } },
  auth: {
    struct: {
      username: 'string',
      password: 'string',
      auth: 'string',
      email: 'string',
      serveraddress: 'string',
      identitytoken: 'string',
      registrytoken: 'string',
    },
  },
} satisfies Record<string, Shape>;
