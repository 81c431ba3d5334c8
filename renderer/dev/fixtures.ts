import type { Host } from '../../electron/ipc/contract.ts';
import type { ContainerSummary, ImageSummary } from '../../helper/contract/docker/index.ts';

const now = Math.floor(Date.now() / 1000);
const hex = (n: number) => n.toString(16).padStart(4, '0').repeat(16);

const states: [ContainerSummary['State'], string][] = [
  ['running', 'Up 3 minutes'],
  ['running', 'Up 2 hours (healthy)'],
  ['exited', 'Exited (0) 3 hours ago'],
  ['exited', 'Exited (137) 12 minutes ago'],
  ['running', 'Up 5 days (unhealthy)'],
  ['paused', 'Up About an hour (Paused)'],
  ['restarting', 'Restarting (1) 4 seconds ago'],
  ['created', 'Created'],
  ['running', 'Up 9 seconds (health: starting)'],
  ['exited', 'Exited (1) 2 weeks ago'],
  ['dead', 'Dead'],
];
const names = [
  'web-1',
  'db-1',
  'migrate',
  'cache',
  'api',
  'worker-with-a-really-long-name-that-nobody-should-ever-choose-but-somebody-did',
  'queue',
  'cron',
  'search',
  'batch-2026',
  '日志收集器',
  'مرحبا-world',
  'party-🎉-service',
];
const images = [
  'nginx:1.27',
  'postgres:16-alpine',
  'ghcr.io/acme/migrations:2026.11.24-rc.3',
  'redis:7',
  'registry.internal.example.com:5000/platform/team-awesome/api-gateway:sha-4f2c9d1',
  'python:3.13-slim',
];

export function containers(count: number | undefined, host: number): ContainerSummary[] {
  const total = count ?? 16;
  return Array.from({ length: total }, (_, i): ContainerSummary => {
    const [State, Status] = states[i % states.length] ?? ['running', 'Up 3 minutes'];
    const project =
      count === undefined || count > 40 ? (i % 16 < 4 ? 'shop' : i % 16 < 6 && host === 0 ? 'monitoring' : undefined) : undefined;
    const name = i < names.length ? names[i] : `${names[i % 5]}-${i}`;
    const up = State === 'running';
    return {
      Id: hex(i * 7 + 4097 + host * 999),
      Names: [`/${name}`],
      Image: images[i % images.length] ?? 'nginx',
      ImageID: `sha256:${hex((i % images.length) + 300)}`,
      Command: 'docker-entrypoint.sh run',
      Created: now - i * 7000,
      Ports: up
        ? [
            { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080 + i, Type: 'tcp' },
            { IP: '::', PrivatePort: 80, PublicPort: 8080 + i, Type: 'tcp' },
            ...(i % 4 === 0
              ? [
                  { IP: '0.0.0.0', PrivatePort: 443, PublicPort: 8443 + i, Type: 'tcp' as const },
                  { IP: '0.0.0.0', PrivatePort: 53, PublicPort: 5353 + i, Type: 'udp' as const },
                ]
              : []),
          ]
        : [{ PrivatePort: 6379, Type: 'tcp' }],
      Labels: project ? { 'com.docker.compose.project': project, 'com.docker.compose.service': name ?? '' } : {},
      State,
      Status,
      HostConfig: { NetworkMode: 'bridge' },
      NetworkSettings: { Networks: {} },
      Mounts: [],
    };
  });
}

export function imageList(): ImageSummary[] {
  const sizes = [187_000_000, 274_000_000, 12_400_000, 41_200_000, 1_240_000_000, 128_000_000];
  return [
    ...images.map((tag, i) => ({
      Id: `sha256:${hex(i + 300)}`,
      ParentId: '',
      RepoTags: i === 0 ? [tag, 'nginx:latest'] : [tag],
      RepoDigests: [],
      Created: now - i * 400_000,
      Size: sizes[i] ?? 1e6,
      SharedSize: -1,
      Labels: null,
      Containers: -1,
    })),
    {
      Id: `sha256:${hex(500)}`,
      ParentId: '',
      RepoTags: [],
      RepoDigests: [],
      Created: now - 90_000_000,
      Size: 91_000_000,
      SharedSize: -1,
      Labels: null,
      Containers: -1,
    },
  ];
}

export function inspect(c: ContainerSummary): unknown {
  const code = Number(/\((\d+)\)/.exec(c.Status)?.[1] ?? 0);
  const iso = new Date((now - 720) * 1000).toISOString();
  return {
    Id: c.Id,
    Created: new Date(c.Created * 1000).toISOString(),
    Path: '/docker-entrypoint.sh',
    Args: ['nginx', '-g', 'daemon off;'],
    State: {
      Status: c.State,
      Running: c.State === 'running',
      Paused: false,
      Restarting: false,
      OOMKilled: code === 137,
      Dead: false,
      Pid: c.State === 'running' ? 4242 : 0,
      ExitCode: code,
      Error: '',
      StartedAt: iso,
      FinishedAt: iso,
    },
    Image: c.ImageID,
    Name: c.Names[0],
    RestartCount: 0,
    Driver: 'overlay2',
    Platform: 'linux',
    Mounts: [{ Type: 'volume', Name: 'pgdata', Source: '/var/lib/x', Destination: '/data', Mode: '', RW: true, Propagation: '' }],
    Config: {
      Image: c.Image,
      Cmd: ['nginx'],
      Env: ['PATH=/usr/local/sbin:/usr/local/bin', 'NGINX_VERSION=1.27.3', 'TZ=Asia/Shanghai'],
      WorkingDir: '/app',
      Labels: c.Labels,
      Tty: false,
    },
    HostConfig: { Memory: 536_870_912, NanoCpus: 1_500_000_000, RestartPolicy: { Name: 'unless-stopped' } },
    NetworkSettings: { Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }] }, Networks: { bridge: { IPAddress: '172.17.0.2' } } },
  };
}

export function imageInspect(reference: string): unknown {
  const image = imageList().find((i) => i.RepoTags.includes(reference) || i.Id === reference || i.Id.includes(reference));
  return (
    image && {
      ...image,
      Parent: '',
      Comment: '',
      Created: new Date(image.Created * 1000).toISOString(),
      Architecture: 'amd64',
      Os: 'linux',
      Config: {
        Cmd: ['nginx', '-g', 'daemon off;'],
        Entrypoint: ['/docker-entrypoint.sh'],
        Env: ['PATH=/usr/local/bin', 'NGINX_VERSION=1.27.3'],
        ExposedPorts: { '80/tcp': {}, '443/tcp': {} },
        WorkingDir: '/',
        Labels: { maintainer: 'NGINX Docker Maintainers' },
      },
      RootFS: { Type: 'layers', Layers: [] },
    }
  );
}

export const history = [
  { Id: 'a', Created: now, CreatedBy: '/bin/sh -c #(nop)  CMD ["nginx" "-g" "daemon off;"]', Tags: null, Size: 0, Comment: '' },
  {
    Id: 'b',
    Created: now,
    CreatedBy:
      'RUN /bin/sh -c set -x     && groupadd --system --gid 101 nginx     && useradd --system --gid nginx --no-create-home # buildkit',
    Tags: null,
    Size: 112_000_000,
    Comment: '',
  },
  { Id: 'c', Created: now, CreatedBy: 'COPY docker-entrypoint.sh / # buildkit', Tags: null, Size: 1620, Comment: '' },
  { Id: 'd', Created: now, CreatedBy: '/bin/sh -c #(nop) ADD file:3b2a8 in / ', Tags: null, Size: 74_800_000, Comment: '' },
];

export function hostList(count: number, first: string): Host[] {
  const engine = { product: 'Gantry' as const, version: '0.1.0', apiVersion: '1.47', os: 'linux', arch: 'amd64' };
  const error = {
    code: 'permission' as const,
    message: 'Permission denied on /var/run/docker.sock',
    detail: 'connect EACCES /var/run/docker.sock',
  };
  const state: Host['state'] =
    first === 'reconnecting'
      ? { status: 'reconnecting', error: { ...error, code: 'closed' }, engine, retryAt: Date.now() + 4000, attempt: 2 }
      : first === 'failed'
        ? { status: 'failed', error }
        : first === 'connecting'
          ? { status: 'connecting' }
          : { status: 'connected', engine, since: Date.now() };
  const hosts: Host[] = [
    { id: 'local', name: 'local', colour: 'violet', kind: 'local', state },
    {
      id: 'docker',
      name: 'Docker',
      colour: 'blue',
      kind: 'socket',
      socketPath: '/var/run/docker.sock',
      state: { status: 'connected', engine: { ...engine, product: 'Docker', version: '28.2.2', apiVersion: '1.50' }, since: 0 },
    },
    {
      id: 'nas',
      name: 'Podman',
      colour: 'amber',
      kind: 'socket',
      socketPath: '/run/podman/podman.sock',
      state: { status: 'failed', error },
    },
  ];
  return hosts.slice(0, count);
}
