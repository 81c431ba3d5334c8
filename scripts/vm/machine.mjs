/** A running virtual machine, reached over SSH on a loopback port. Emulated where KVM is not to be had: slow, and the same. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../lib/run.mjs';
import { Stop } from '../lib/say.mjs';

const BOOT_MS = 180_000;

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
    server.on('error', reject);
  });
}

/**
 * Boots a machine on a snapshot of a disk: what it writes is gone with it.
 *
 * @param image    see vmDisk
 * @param options  `disks`: more images, read-only, as /dev/vdb …; `memory` in MiB; `reboots`: it may, else that ends it
 * @returns { port, key, ssh, copyFrom, stop }: `ssh(command, options)` as `run` does; `port` is sshd's on 127.0.0.1
 */
export async function startMachine(image, { disks = [], memory = 2048, reboots = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-vm-'));
  const port = await freePort();
  const args = [
    ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', String(memory), '-nographic'],
    ...(reboots ? [] : ['-no-reboot']),
    ...['-kernel', image.kernel, '-initrd', image.initrd, '-append', 'root=/dev/vda rw console=ttyS0 quiet systemd.show_status=0'],
    ...['-drive', `file=${image.disk},if=virtio,format=raw,snapshot=on`],
    ...disks.flatMap((disk) => ['-drive', `file=${disk},if=virtio,format=raw,readonly=on`]),
    ...['-netdev', `user,id=n,restrict=on,hostfwd=tcp:127.0.0.1:${port}-:22`, '-device', 'virtio-net-pci,netdev=n'],
  ];
  const child = spawn('qemu-system-x86_64', args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: folder },
  });
  let console_ = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (console_ = (console_ + text).slice(-20_000)));
  const ended = new Promise((resolve) => child.once('close', resolve).once('error', resolve));
  const sshOptions = [
    ...['-i', image.key, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10', '-o', 'LogLevel=ERROR'],
    ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'],
  ];
  const ssh = (command, options = {}) =>
    run('ssh', [...sshOptions, '-p', String(port), 'root@127.0.0.1', command], { quiet: true, ...options });
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };

  const deadline = Date.now() + BOOT_MS;
  for (;;) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Stop(`the virtual machine did not come up:\n${console_.slice(-2000)}`);
    }
    const { code } = await ssh('true', { timeoutMs: 20_000 });
    if (code === 0) break;
    await delay(1000);
  }
  return {
    port,
    key: image.key,
    ssh,
    stop,
    /** Reads a file of the machine's into one of ours. */
    async copyFrom(path, target) {
      const { code, output } = await ssh(`cat ${path}`);
      if (code === 0) writeFileSync(target, output);
      return code === 0;
    },
  };
}
