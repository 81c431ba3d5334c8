import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, create, eventually, launch, startEngine, type TestEngine, waitFor } from '../harness.ts';
import { removeCgroup } from '../leftovers.ts';
import { run } from '../process.ts';

const MIB = 2 ** 20;

/** What the engine asks of cgroup v2, as the kernel has it and does it. */
describe('on cgroup v2', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine();
  });
  afterAll(() => engine?.stop());

  const inspect = async (id: string) => (await engine.client.get(`/containers/${id}/json`)).json;
  const remove = (id: string) => engine.client.delete(`/containers/${id}?force=1`);
  /** The container's group, as the host sees it. */
  const group = async (id: string): Promise<string> => {
    const text = readFileSync(`/proc/${(await inspect(id)).State.Pid}/cgroup`, 'utf8');
    return `/sys/fs/cgroup${text.trim().replace(/^0::/, '')}`;
  };
  const values = (folder: string, ...files: string[]) =>
    Object.fromEntries(files.map((file) => [file, readFileSync(`${folder}/${file}`, 'utf8').trim()]));
  const limits = async (id: string) =>
    values(await group(id), ...['memory.max', 'memory.swap.max', 'memory.low', 'cpu.max', 'cpu.weight', 'cpuset.cpus', 'pids.max']);
  const keyed = (folder: string, file: string, key: string): number =>
    Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(readFileSync(`${folder}/${file}`, 'utf8'))?.[1]);

  it('info says so, and that nothing is missing', async () => {
    const { json: info } = await engine.client.get('/info');
    expect(info).toMatchObject({
      ...{ CgroupVersion: '2', CgroupDriver: 'cgroupfs', MemoryLimit: true, SwapLimit: true, CPUShares: true, CPUSet: true },
      ...{ CpuCfsQuota: true, CpuCfsPeriod: true, PidsLimit: true },
    });
    expect((info.Warnings ?? []).filter((text: string) => /memory|cpu|pids|swap/i.test(text))).toEqual([]);
  });

  it('limits are in the kernel, an update changes them, and they outlive what systemd does', async () => {
    const HostConfig = {
      ...{ Memory: 64 * MIB, MemorySwap: 96 * MIB, MemoryReservation: 32 * MIB, PidsLimit: 50 },
      ...{ NanoCpus: 500_000_000, CpuShares: 512, CpusetCpus: '0' },
    };
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'], HostConfig });
    const before = {
      ...{ 'memory.max': `${64 * MIB}`, 'memory.swap.max': `${32 * MIB}`, 'memory.low': `${32 * MIB}`, 'pids.max': '50' },
      // crun's and runc's formula: 1 + (shares - 2) * 9999 / 262142.
      ...{ 'cpu.max': '50000 100000', 'cpu.weight': '20', 'cpuset.cpus': '0' },
    };
    expect(await limits(id)).toEqual(before);
    const changed = await engine.client.post(`/containers/${id}/update`, {
      ...{ Memory: 128 * MIB, MemorySwap: 256 * MIB, PidsLimit: 60, NanoCpus: 250_000_000, CpuShares: 1024 },
    });
    expect(changed.status).toBe(200);
    const after = {
      ...{ ...before, 'memory.max': `${128 * MIB}`, 'memory.swap.max': `${128 * MIB}`, 'pids.max': '60' },
      ...{ 'cpu.max': '25000 100000', 'cpu.weight': '39' },
    };
    expect(await limits(id)).toEqual(after);
    // It sets the controllers of the root group by what its units need.
    await run('systemctl', ['daemon-reload']);
    await run('systemd-run', ['--wait', '-p', 'CPUQuota=50%', 'true']);
    expect(await limits(id)).toEqual(after);
    await remove(id);
  });

  it('too many processes are refused', async () => {
    const script = 'sleep 100 & sleep 100 & sleep 100 & echo forked; sleep 100 & sleep 100';
    const id = await create(engine.client, { Cmd: ['sh', '-c', script], HostConfig: { PidsLimit: 4 } });
    await engine.client.post(`/containers/${id}/start`);
    const logs = () => engine.client.get(`/containers/${id}/logs?stdout=1&stderr=1`);
    await eventually('it is refused', async () => (await logs()).text.includes("can't fork"));
    expect((await logs()).text).toContain('forked');
    await remove(id);
  });

  it('a share of a processor is all it gets, and stats tell', async () => {
    const id = await launch(engine.client, { Cmd: ['sh', '-c', 'while :; do :; done'], HostConfig: { NanoCpus: 100_000_000 } });
    const stats = async () => (await engine.client.get(`/containers/${id}/stats?stream=0&one-shot=1`)).json;
    const throttled = await eventually('it is held back', async () => {
      const { cpu_stats: cpu } = await stats();
      return cpu.throttling_data.throttled_periods > 3 ? cpu : undefined;
    });
    expect(throttled).not.toHaveProperty('cpu_usage.percpu_usage');
    expect(throttled.throttling_data.throttled_time).toBeGreaterThan(0);
    expect(throttled.throttling_data.periods).toBeGreaterThanOrEqual(throttled.throttling_data.throttled_periods);
    await remove(id);
  });

  it('stats have the shape of cgroup v2: memory by kind, blocks read and written, no failcnt', async () => {
    const script = 'dd if=/dev/zero of=/file bs=1M count=8 conv=fsync 2>/dev/null; echo written; exec sleep 1000';
    const id = await launch(engine.client, { Cmd: ['sh', '-c', script], HostConfig: { Memory: 256 * MIB, PidsLimit: 7 } });
    await eventually('it has written', async () => (await engine.client.get(`/containers/${id}/logs?stdout=1`)).text.includes('written'));
    const { json: stats } = await engine.client.get(`/containers/${id}/stats?stream=0`);
    expect(Object.keys(stats.memory_stats).sort()).toEqual(['limit', 'stats', 'usage']);
    expect(stats.memory_stats).toMatchObject({
      limit: 256 * MIB,
      usage: expect.any(Number),
      stats: { anon: expect.any(Number), file: expect.any(Number), inactive_file: expect.any(Number), pgfault: expect.any(Number) },
    });
    // Of the page cache, too: the file is in it.
    expect(stats.memory_stats.stats.file).toBeGreaterThanOrEqual(8 * MIB);
    expect(stats.memory_stats.usage).toBeGreaterThanOrEqual(8 * MIB);
    expect(stats.pids_stats).toEqual({ current: 1, limit: 7 });
    const written = stats.blkio_stats.io_service_bytes_recursive.filter(({ op }: { op: string }) => op === 'write');
    expect(written.reduce((sum: number, { value }: { value: number }) => sum + value, 0)).toBeGreaterThanOrEqual(8 * MIB);
    expect(stats.blkio_stats.io_queue_recursive).toBeNull();
    // `docker stats` takes its percentages from both.
    expect(stats.cpu_stats.system_cpu_usage).toBeGreaterThan(stats.precpu_stats.system_cpu_usage);
    await remove(id);
  });

  it('pause freezes all processes, also against SIGKILL from within; unpause and kill let them go', async () => {
    const count = 'i=0; while :; do i=$((i + 1)); echo $i >/count; sleep 0.02; done';
    const id = await launch(engine.client, { Cmd: ['sh', '-c', `(${count}) & ${count}`] });
    const folder = await group(id);
    expect((await engine.client.post(`/containers/${id}/pause`)).status).toBe(204);
    expect(values(folder, 'cgroup.freeze')).toEqual({ 'cgroup.freeze': '1' });
    expect(keyed(folder, 'cgroup.events', 'frozen')).toBe(1);
    const used = keyed(folder, 'cpu.stat', 'usage_usec');
    const exec = await engine.client.post(`/containers/${id}/exec`, { Cmd: ['true'] });
    expect(exec.status).toBe(409);
    expect(keyed(folder, 'cpu.stat', 'usage_usec')).toBe(used);
    expect((await engine.client.post(`/containers/${id}/unpause`)).status).toBe(204);
    await eventually('they go on', () => keyed(folder, 'cpu.stat', 'usage_usec') > used || undefined);
    await engine.client.post(`/containers/${id}/pause`);
    const gone = waitFor(engine.client, id);
    expect((await engine.client.post(`/containers/${id}/kill`)).status).toBe(204);
    expect(await gone).toBe(137);
    await remove(id);
  });

  it('memory that is not there ends a container, or one of its processes, and it is told of both', async () => {
    const hog = 'x=$(head -c 100m /dev/zero | tr "\\0" x)';
    const since = Math.floor(Date.now() / 1000);
    const HostConfig = { Memory: 24 * MIB, MemorySwap: 24 * MIB };
    const whole = await launch(engine.client, { Cmd: ['sh', '-c', hog], HostConfig });
    expect(await waitFor(engine.client, whole)).not.toBe(0);
    const part = await launch(engine.client, { Cmd: ['sh', '-c', `sh -c '${hog}'; echo went on; exec sleep 1000`], HostConfig });
    await eventually('it went on', async () => (await engine.client.get(`/containers/${part}/logs?stdout=1`)).text.includes('went on'));
    expect(keyed(await group(part), 'memory.events', 'oom_kill')).toBe(1);
    await engine.client.post(`/containers/${part}/stop?t=0`);
    for (const id of [whole, part]) expect((await inspect(id)).State).toMatchObject({ OOMKilled: true, Running: false });
    const filters = encodeURIComponent(JSON.stringify({ event: ['oom'] }));
    const told = await engine.client.get(`/events?since=${since}&until=${Math.ceil(Date.now() / 1000)}&filters=${filters}`);
    const events = told.text.trim().split('\n');
    expect(events.map((line) => JSON.parse(line).Actor.ID)).toEqual([whole, part]);
    await remove(whole);
    await remove(part);
  });

  it('a container sees its own group as the root, or the whole tree if that is asked for', async () => {
    const look = ['cat', '/proc/self/cgroup'];
    expect((await engine.docker(['run', '--rm', BASE, ...look])).stdout).toBe('0::/\n');
    expect((await engine.docker(['run', '--rm', '--cgroupns', 'host', BASE, ...look])).stdout).toMatch(/^0::\/gantry-\w+\/\w{64}\n$/);
    expect((await engine.docker(['run', '--rm', '-m', '64m', BASE, 'cat', '/sys/fs/cgroup/memory.max'])).stdout).toBe(`${64 * MIB}\n`);
    expect((await engine.docker(['run', '--rm', BASE, 'mkdir', '/sys/fs/cgroup/own'])).stderr).toContain('Read-only file system');
    const parent = ['run', '--rm', '--cgroup-parent', '/gantry-test-own', '--cgroupns', 'host', BASE, ...look];
    expect((await engine.docker(parent)).stdout).toMatch(/^0::\/gantry-test-own\/\w{64}\n$/);
    removeCgroup('gantry-test-own');
  });
});
