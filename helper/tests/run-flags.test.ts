import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, onGantry, startEngine, type TestEngine } from './harness.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'gantry-flags-'));
const file = (name: string, text: string): string => {
  writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
};
let engine: TestEngine;
beforeAll(async () => {
  if (onGantry) engine = await startEngine();
});
afterAll(async () => {
  await engine?.stop();
  rmSync(folder, { recursive: true, force: true });
});
const docker = (...args: string[]) => engine.docker(args);

/** A value of the container's own cgroup, on v1 and v2. */
const group = (v1: string, v2: string) => `cat /sys/fs/cgroup/${v1} 2>/dev/null || cat /sys/fs/cgroup/${v2}`;
const status = (field: string) => `grep ${field}: /proc/self/status`;
const namespace = (kind: string) => readlinkSync(`/proc/self/ns/${kind}`);
const EVERY = readFileSync('/proc/self/status', 'utf8').match(/CapBnd:\s*(\w+)/)?.[1] ?? '';
const v1 = !existsSync('/sys/fs/cgroup/cgroup.controllers');

/** Flags of `docker run`, each by what the process finds. Those of networks, volumes, health, restart and logs have files of their own. */
describe.runIf(onGantry)('docker run', () => {
  it.each<[flags: string[], script: string, expected: string | RegExp]>([
    [['--init'], 'tr "\\0" " " </proc/1/cmdline', /init|tini/],
    [['--user', '1234:2345'], 'id -u; id -g', '1234\n2345'],
    [['--user', '1234', '--group-add', '777', '--group-add', '778'], 'id -G', '0 777 778'],
    [['--hostname', 'one', '--domainname', 'd.example'], 'hostname; grep one /etc/hosts', /^one(\.d\.example)?\n.*\tone\.d\.example one$/],
    [
      ['--dns', '192.0.2.53', '--dns-search', 'a.example', '--dns-opt', 'ndots:3'],
      'grep -v "^#" /etc/resolv.conf',
      'nameserver 192.0.2.53\nsearch a.example\noptions ndots:3',
    ],
    [
      ['--add-host', 'a:192.0.2.1', '--add-host', 'b=host-gateway'],
      'grep -wE "a|b" /etc/hosts',
      /^192\.0\.2\.1\ta\n(172|192)\.\d+\.\d+\.1\tb$/,
    ],
    [['-e', 'A=1', '-e', 'B', '--env-file', file('env', '# said\nC=3\n')], 'echo $A-$B-$C', '1--3'],
    [['--workdir', '/made/for/it'], 'pwd', '/made/for/it'],
    [
      ['--mount', 'type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1770'],
      'stat -c %a /t; df -k /t | tail -1 | awk "{print \\$2}"',
      '1770\n1024',
    ],
    [['--tmpfs', '/t:size=2m,noexec,mode=700'], 'stat -c %a /t; grep -c " /t tmpfs .*noexec" /proc/mounts', '700\n1'],
    [['--mount', `type=bind,source=${folder},target=/b,readonly`], 'touch /b/x 2>&1; ls /b/env', /Read-only file system\n\/b\/env$/],
    [['-v', `${folder}:/b:ro,z`], 'touch /b/x 2>&1', /Read-only file system/],
    [['--read-only', '--tmpfs', '/t'], 'touch /x 2>&1; touch /t/x && echo ok', /Read-only file system\nok$/],
    [['--shm-size', '1m'], 'df -k /dev/shm | tail -1 | awk "{print \\$2}"', '1024'],
    [['--device', '/dev/kmsg:/dev/k:r'], 'stat -c "%F %t:%T" /dev/k', 'character special file 1:b'],
    [['--cap-add', 'MKNOD'], 'mknod /k c 1 200; dd if=/k count=0 2>&1', /Operation not permitted/],
    // There is no such device, but to look for it is allowed.
    [['--device-cgroup-rule', 'c 1:200 rm'], 'mknod /k c 1 200; dd if=/k count=0 2>&1', /No such device/],
    [['--cap-drop', 'ALL', '--cap-add', 'CHOWN'], status('CapEff'), 'CapEff:\t0000000000000001'],
    [['--privileged'], status('CapEff'), `CapEff:\t${EVERY}`],
    [[], status('Seccomp'), 'Seccomp:\t2'],
    [['--security-opt', 'seccomp=unconfined'], status('Seccomp'), 'Seccomp:\t0'],
    [['--security-opt', 'no-new-privileges'], status('NoNewPrivs'), 'NoNewPrivs:\t1'],
    [[], 'grep -c " /proc/sys " /proc/mounts', '1'],
    [['--security-opt', 'systempaths=unconfined'], 'grep -c " /proc/" /proc/mounts || true', '0'],
    [['--pid', 'host'], 'readlink /proc/self/ns/pid', namespace('pid')],
    [['--ipc', 'host'], 'readlink /proc/self/ns/ipc', namespace('ipc')],
    [['--uts', 'host'], 'readlink /proc/self/ns/uts', namespace('uts')],
    [['--userns', 'host'], 'readlink /proc/self/ns/user', namespace('user')],
    [['--network', 'host'], 'readlink /proc/self/ns/net', namespace('net')],
    [['--cgroupns', 'host'], 'readlink /proc/self/ns/cgroup', namespace('cgroup')],
    [['--sysctl', 'net.ipv4.ip_unprivileged_port_start=77'], 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start', '77'],
    [['--ulimit', 'nofile=100:200'], 'ulimit -Sn; ulimit -Hn', '100\n200'],
    [['--oom-score-adj', '500'], 'cat /proc/self/oom_score_adj', '500'],
    [['--memory', '64m'], group('memory/memory.limit_in_bytes', 'memory.max'), '67108864'],
    [['--cpus', '0.5'], group('cpu/cpu.cfs_quota_us', 'cpu.max'), /^50000( 100000)?$/],
    [['--cpu-shares', '512'], group('cpu/cpu.shares', 'cpu.weight'), v1 ? '512' : '20'],
    [['--cpuset-cpus', '0'], group('cpuset/cpuset.cpus', 'cpuset.cpus'), '0'],
    [['--pids-limit', '50'], group('pids/pids.max', 'pids.max'), '50'],
  ])('%j', async (flags, script, expected) => {
    const { code, stdout, stderr } = await docker('run', '--rm', ...flags, BASE, 'sh', '-c', script);
    expect({ code: typeof expected === 'string' ? code : 0, stderr }).toEqual({ code: 0, stderr: '' });
    if (typeof expected === 'string') expect(stdout.trim()).toBe(expected);
    else expect(stdout.trim()).toMatch(expected);
  });

  it('what the client keeps and what inspect shows: files of labels and ids, annotations, entrypoint', async () => {
    const ids = path.join(folder, 'id');
    const flags = ['--cidfile', ids, '--label-file', file('labels', 'a=1\n'), '--annotation', 'c=d', '--entrypoint', '/bin/echo'];
    const { stdout } = await docker('run', '--name', 'kept', ...flags, BASE, 'said');
    expect(stdout).toBe('said\n');
    const shown = await docker('inspect', '-f', '{{.Id}} {{json .Config.Labels}} {{json .HostConfig.Annotations}}', 'kept');
    expect(shown.stdout).toBe(`${readFileSync(ids, 'utf8')} {"a":"1","made":"by-test"} {"c":"d"}\n`);
    await docker('rm', 'kept');
  });

  it('--pull never asks no registry; always does, though the image is here', async () => {
    expect((await docker('run', '--rm', '--pull', 'never', 'nowhere.invalid/a', 'true')).stderr).toContain(
      'No such image: nowhere.invalid/a',
    );
    expect((await docker('run', '--rm', '--pull', 'never', BASE, 'true')).code).toBe(0);
    await docker('tag', BASE, '127.0.0.1:9/here');
    expect(await docker('run', '--rm', '--pull', 'always', '127.0.0.1:9/here', 'true')).toMatchObject({ code: 125 });
    await docker('rmi', '127.0.0.1:9/here');
  });
});
