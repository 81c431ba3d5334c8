import type {
  ConnectAttempt,
  GantryApi,
  Host,
  LogLine,
  Settings,
  StreamDown,
  StreamUp,
  TerminalInfo,
  Tunnel,
} from '../../electron/ipc/contract.ts';

let next = 1;
function port(serve: (port: MessagePort) => void): string {
  const token = `t${next++}`;
  const channel = new MessageChannel();
  serve(channel.port1);
  window.postMessage({ type: 'gantry-port', token }, '*', [channel.port2]);
  return token;
}

const samples = [
  '\u001b[32mINFO\u001b[0m  listening on http://0.0.0.0:8080/',
  '172.17.0.1 - - "GET /api/v1/items?limit=50 HTTP/1.1" 200 1843 "-" "Mozilla/5.0 (X11; Linux x86_64)"',
  "\u001b[33mWARN\u001b[0m  slow query: 1,204 ms  SELECT * FROM orders WHERE status = 'open'",
  '{"level":"info","msg":"checkpoint complete","wrote":42,"took":"0.31s"}',
  '\u001b[1;31mERROR\u001b[0m connection to \u001b[4mdb-1:5432\u001b[0m refused, retrying in 2 s',
  '用户 10293 已登录，会话 8f2c 建立',
  '\u001b[38;5;141mtrace\u001b[0m \u001b[2mspan=9f1 parent=2ac\u001b[0m render 12.4 ms',
];

function lines(from: number, count: number): LogLine[] {
  return Array.from({ length: count }, (_, i) => ({
    ms: Date.now() - 1_000_000 + (from + i) * 10,
    err: (from + i) % 7 === 4,
    text: `${samples[(from + i) % samples.length]}${(from + i) % 50 === 1 ? ` ${'long '.repeat(60)}` : ''}`,
  }));
}

/** One address after the other: a question for the key, then two engines. */
function fakeAttempts(): GantryApi['attempts'] {
  let tell: (attempt: ConnectAttempt) => void = () => undefined;
  let now: ConnectAttempt;
  const become = (change: Partial<ConnectAttempt>) => {
    now = { ...now, ...change };
    tell(now);
  };
  const machine = 'ada@nas';
  const start = async (address: string): Promise<ConnectAttempt> => {
    now = { id: `a${next++}`, address, state: 'running', steps: [] };
    setTimeout(() => {
      become({
        steps: [
          { kind: 'resolve', machine, status: 'done', found: { name: 'nas', address: '10.0.0.7' } },
          { kind: 'connect', machine, status: 'done', found: { address: '10.0.0.7:22' } },
          { kind: 'hostKey', machine, status: 'running', found: {} },
        ],
        question: {
          id: 'q1',
          kind: 'hostKey',
          machine,
          keyType: 'ssh-ed25519',
          fingerprint: 'SHA256:9Qh3Tf0uYwQ1sXcV5mJkL2nBpR8dZaE7gHiO4tUvWxY',
          file: '/home/ada/.ssh/known_hosts',
          alsoAs: [],
          canRemember: true,
        },
      });
    }, 300);
    return now;
  };
  return {
    start,
    startTcp: start,
    signIn: start,
    onChange: (listener) => {
      tell = listener;
      return () => undefined;
    },
    answer: async () => {
      const { question: _, ...rest } = now;
      now = rest;
      become({
        state: 'connected',
        steps: [
          ...now.steps.slice(0, 2),
          { kind: 'hostKey', machine, status: 'done', found: { keyType: 'ssh-ed25519', fingerprint: 'SHA256:9Qh3Tf0uYwQ1' } },
          { kind: 'signIn', machine, status: 'done', found: { user: 'ada', method: 'agent', key: 'ada@laptop' } },
          { kind: 'engine', machine, status: 'done', found: { product: 'Docker', version: '28.2.2', path: '/var/run/docker.sock' } },
        ],
        machine: {
          os: 'Linux',
          arch: 'x86_64',
          kernel: '6.1.0',
          distribution: 'Debian GNU/Linux 12 (bookworm)',
          user: 'ada',
          isRoot: false,
        },
        engines: [
          { socketPath: '/var/run/docker.sock', product: 'Docker', version: '28.2.2', state: 'usable', rootless: false, byCommand: false },
          {
            socketPath: '/run/user/1000/podman/podman.sock',
            product: 'Podman',
            version: '',
            state: 'off',
            rootless: true,
            byCommand: false,
            error: { code: 'socket-missing', message: 'No engine is listening', fix: 'systemctl --user enable --now podman.socket' },
          },
        ],
      });
    },
    lookAgain: async () => undefined,
    again: async () => undefined,
    end: async () => undefined,
  };
}

const tunnels: Tunnel[] = (['web-1', 'db-1', 'worker-with-a-really-long-name-that-nobody-should-ever-choose'] as const).map((name, i) => ({
  id: `n${i}`,
  hostId: i === 1 ? 'docker' : 'local',
  containerId: 'ab'.repeat(32),
  containerName: name,
  port: [80, 5432, 9229][i] ?? 80,
  localPort: [8080, 5432, 9229][i] ?? 80,
  state: i === 2 ? 'closed' : 'open',
  offered: i === 2,
  ...(i === 1 && { trouble: { code: 'refused' as const, message: '', values: { address: '172.17.0.3', port: '5432' } } }),
}));

/** `window.gantry` without a main process. */
export function fakeGantry(settings: Settings, hosts: Host[], logLines: number): GantryApi {
  let terminals: TerminalInfo[] = [];
  let now = settings;
  let told: (terminals: TerminalInfo[]) => void = () => undefined;
  return {
    app: {
      leaving: async () => null,
      onLeaving: () => () => undefined,
      leave: async () => undefined,
      info: async () => ({
        version: '0.1.0',
        electron: '45.4.1',
        platform: 'linux',
        locale: 'en-US',
        demo: false,
        starterImage: { reference: 'gantry/starter:latest', available: true },
      }),
    },
    hosts: {
      list: async () => hosts,
      onChange: () => () => undefined,
      onEvents: () => () => undefined,
      detect: async () => [
        { socketPath: '/var/run/docker.sock', product: 'Docker', version: '28.2.2', reachable: true },
        { socketPath: '/run/user/1000/podman/podman.sock', product: 'Podman', version: '5.2', reachable: false },
      ],
      addSocket: async () => hosts[0] as Host,
      update: async () => hosts[0] as Host,
      remove: async () => undefined,
      reconnect: async () => undefined,
      watch: async () =>
        port((p) => {
          let at = Date.now() - 60 * 3000;
          const send = () => {
            const cpu = 0.18 + 0.12 * Math.sin(at / 20_000) + 0.05 * Math.sin(at / 3000);
            const sample = {
              at,
              cpu,
              load: [0.42, 0.61, 0.55] as [number, number, number],
              memory: { total: 16.6e9, available: 9.1e9 + 4e8 * Math.sin(at / 15_000) },
              swap: { total: 2e9, free: 1.9e9 },
              disks: [
                { path: '/', total: 250e9, available: 96e9 },
                { path: '/var/lib/docker', total: 1000e9, available: 81e9 },
              ],
              uptimeS: 1_234_567,
            };
            p.postMessage({ t: 'machine', sample } satisfies StreamDown);
            at += 3000;
          };
          for (let i = 0; i < 60; i++) send();
          setInterval(send, 3000);
        }),
      suggestions: async () => [
        { source: 'ssh', name: 'nas', address: 'nas', detail: 'ada@10.0.0.7' },
        { source: 'docker', name: 'build', address: 'ssh://ci@build.example', detail: 'ssh://ci@build.example' },
      ],
      addSsh: async () => hosts[0] as Host,
      addTcp: async () => hosts[0] as Host,
      changeCertificates: async () => Promise.reject(new Error('not here')),
      certificates: async () => ({ ca: '/home/ada/.docker/ca.pem', cert: '/home/ada/.docker/cert.pem', key: '/home/ada/.docker/key.pem' }),
    },
    attempts: fakeAttempts(),
    installs: {
      start: async (_, action) => ({ id: 'i1', action, machine: 'ada@nas', state: 'checking', problems: [], steps: [], keepData: true }),
      onChange: () => () => undefined,
      keepData: async () => undefined,
      run: async () => undefined,
      answer: async () => undefined,
      end: async () => undefined,
    },
    starter: { load: async () => 'nginx:1.27' },
    terminals: {
      list: async () => terminals,
      onChange: (listener) => {
        told = listener;
        return () => undefined;
      },
      open: async (request) => {
        const info: TerminalInfo = {
          id: `x${next++}`,
          hostId: request.hostId,
          containerId: request.containerId,
          containerName: request.containerName,
          mode: request.mode,
          title: 'bash',
          state: { status: 'open' },
        };
        terminals = [...terminals, info];
        told(terminals);
        return info;
      },
      openOnHost: async ({ hostId }) => {
        const info: TerminalInfo = {
          id: `x${next++}`,
          hostId,
          containerId: '',
          containerName: '',
          mode: 'host',
          title: '',
          state: { status: 'open' },
        };
        terminals = [...terminals, info];
        told(terminals);
        return info;
      },
      view: async () =>
        port((p) => {
          const say = (text: string) => p.postMessage({ t: 'data', data: new TextEncoder().encode(text) } satisfies StreamDown);
          p.onmessage = (event: MessageEvent<StreamUp>) => {
            if (event.data.t === 'data')
              say(new TextDecoder().decode(event.data.data).replace('\r', '\r\n\u001b[32mroot@web-1\u001b[0m:/# '));
          };
          say(
            '\u001b[32mroot@web-1\u001b[0m:\u001b[34m/\u001b[0m# ls\r\n\u001b[34mbin  etc  lib  usr  var\u001b[0m  run.sh\r\n\u001b[32mroot@web-1\u001b[0m:\u001b[34m/\u001b[0m# ',
          );
        }),
      reopen: async (id) => terminals.find((t) => t.id === id) as TerminalInfo,
      close: async (id) => {
        terminals = terminals.filter((t) => t.id !== id);
        told(terminals);
      },
    },
    transfers: {
      plan: async (source) => ({
        way: 'stream',
        image: { id: 'sha256:0', names: ['nginx:1.27'], there: false, bytes: 188e6, thereBytes: 74e6, takesNames: [] },
        ...(source.kind === 'container' && {
          container: {
            running: true,
            autoRemove: false,
            privileged: false,
            writableBytes: 12_300,
            binds: ['/srv/www'],
            ports: ['8080/tcp'],
          },
        }),
        volumes: [{ name: 'web-data', anonymous: false, bytes: 2.1e9, data: true, usedBy: ['web-1'], there: false }],
        networks: [{ name: 'shop', there: false }],
        nameTaken: false,
        warnings: [],
      }),
      start: async () => `x${next++}`,
      cancel: async () => undefined,
      forget: async () => undefined,
      list: async () => [],
      onChange: () => () => undefined,
    },
    batches: {
      start: async () => `b${next++}`,
      goOn: async () => undefined,
      cancel: async () => undefined,
      forget: async () => undefined,
      list: async () => [],
      onChange: () => () => undefined,
    },
    logs: {
      open: async () =>
        port((p) => {
          let sent = 0;
          const send = () => {
            if (sent >= logLines) return;
            const batch = lines(sent, Math.min(5000, logLines - sent));
            sent += batch.length;
            p.postMessage({ t: 'lines', lines: batch, bytes: 400_000 } satisfies StreamDown);
            setTimeout(send);
          };
          p.onmessage = (event: MessageEvent<StreamUp>) => {
            if (event.data.t === 'credit' && sent === 0) send();
          };
        }),
    },
    tunnels: {
      list: async () => tunnels,
      onChange: () => () => undefined,
      open: async () => ({ trouble: { code: 'forwarding', message: 'administratively prohibited' } }),
      reopen: async () => ({ trouble: { code: 'not-running', message: 'not running', values: { name: 'web-1' } } }),
      stop: async () => undefined,
      notNow: async () => undefined,
    },
    dialogs: { pickPath: async () => '/home/me/project', saveText: async () => '/home/me/web-1.log' },
    shell: { openExternal: async () => undefined, copy: async () => undefined },
    settings: {
      get: async () => now,
      set: async (change) => {
        now = { ...now, ...change };
        return now;
      },
      onChange: () => () => undefined,
    },
  };
}
