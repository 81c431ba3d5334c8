/** Starting programs for a measurement, ending them by their id, and what they use of memory. */
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

/** Starts a program whose output goes to a file. `stop` sends SIGTERM, SIGKILL after 20 s, and waits for its end. */
export function start(command, args, { log, env = {}, cwd }) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, cwd });
  const file = createWriteStream(log, { flags: 'a' });
  child.stdout.pipe(file, { end: false });
  child.stderr.pipe(file, { end: false });
  const ended = new Promise((resolve) => {
    child.on('close', resolve);
    child.on('error', resolve);
  });
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await ended;
    clearTimeout(timer);
  };
  return { child, ended, stop };
}

/** Waits until GET `path` is answered on a socket path or a port. */
export async function answering(target, path, { timeoutMs = 30_000, stepMs = 2 } = {}) {
  const end = performance.now() + timeoutMs;
  while (performance.now() < end) {
    const status = await new Promise((resolve) => {
      const sent = request({ ...target, path, timeout: 1000 }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.on('error', () => resolve(undefined));
      sent.end();
    });
    if (status !== undefined && status < 500) return;
    await pause(stepMs);
  }
  throw new Error(`nothing answers ${path} on ${JSON.stringify(target)}`);
}

/** Calls `use` with each process whose command line names the folder: an engine with its monitors and shims. */
function ofFolder(folder, use) {
  for (const pid of readdirSync('/proc').map(Number)) {
    if (!(pid > 0) || pid === process.pid) continue;
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)) use(pid);
    } catch {
      // It ended meanwhile.
    }
  }
}

/** Proportional memory, in MiB, of all processes of the folder. */
export function pssMiB(folder) {
  let kib = 0;
  ofFolder(folder, (pid) => {
    kib += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
  });
  return kib / 1024;
}

/** Ends what an engine that failed left running: monitors, and first the containers that are theirs. */
export function endProcessesOf(folder) {
  ofFolder(folder, (pid) => {
    for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)) {
      process.kill(Number(child), 'SIGKILL');
    }
    process.kill(pid, 'SIGKILL');
  });
}

/** A folder for run-time state in memory, as /run is where engines are at home. One that is there stays, with what is in it. */
export function mountRunFolder(folder) {
  mkdirSync(folder, { recursive: true });
  if (readFileSync('/proc/self/mounts', 'utf8').includes(` ${folder} `)) return;
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', folder], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mounting a tmpfs failed: ${stderr}`);
}

/** Takes away what is still mounted below a folder (engines leave their storage mounted), so that it can be removed. */
export function unmountBelow(folder) {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((target) => target.startsWith(`${folder}/`));
  if (mounts.length > 0) spawnSync('umount', ['--lazy', ...mounts.reverse()], { stdio: 'ignore' });
}
