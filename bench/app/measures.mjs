/** What is measured of the application: each gives samples by name, beside what a plain program takes for the same. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { smallImage } from '../images.mjs';
import { startApp } from './window.mjs';

const blank = fileURLToPath(new URL('./blank', import.meta.url));
const ROW = '[role=row][data-key]';
const createOf = (more) => ({ Image: smallImage, Cmd: ['sleep', '86400'], ...more });

/** @param scene { folder, env, local, far, hosts, engines } @param note (name, value) takes a sample */
export const measures = {
  /** From the start of the process to a list that is painted. */
  async launch({ folder, env, local, rounds }, note) {
    await local.api.create(createOf({ Labels: { bench: 'launch' } }), 'first');
    for (let round = 0; round < rounds + 1; round++) {
      const nothing = await startApp(join(folder, 'blank'), { env, program: blank });
      const there = await nothing.page.shows('#blank');
      if (round > 0) note('launch of a blank Electron window', there - nothing.startedAt);
      await nothing.stop();
      const app = await startApp(join(folder, 'launch'), { env: { ...env, GANTRY_SOCKET: local.socket } });
      const shown = await app.page.shows(ROW, 'first');
      // The first one fills the caches of the disk and of Chromium.
      if (round > 0) note('launch to usable list, engine running', shown - app.startedAt);
      await app.stop();
    }
    for (let round = 0; round < rounds; round++) {
      const own = join(folder, `own-${round}`);
      const app = await startApp(own, { env: { ...env, GANTRY_STARTER: '' } });
      const shown = await app.page.shows('[data-testid="first-run"]');
      note('launch to first page, engine started by it', shown - app.startedAt);
      await app.stop();
    }
  },

  /** A host that it has known before: sign-in, engine, list. */
  async ssh({ folder, env, local, far, hosts, engines, rounds }, note) {
    await engines[0].api.create(createOf(), 'distant');
    for (const ms of [0, 50]) {
      await far.slow(ms);
      for (let round = 0; round < rounds; round++) {
        const app = await startApp(join(folder, 'ssh'), { env: { ...env, GANTRY_SOCKET: local.socket }, hosts: hosts.slice(0, 1) });
        const shown = await app.page.shows(ROW, 'distant');
        note(`launch to list of a known SSH host, ${ms} ms there and back`, shown - app.startedAt);
        await app.stop();
      }
    }
    await far.slow(0);
  },

  /** From a key to its echo on the screen; plain ssh: to the byte that comes back. */
  async echo({ folder, env, local, far, hosts, engines, keys }, note) {
    await far.slow(50);
    const { Id } = await engines[0].api.create(createOf(), 'shell');
    await engines[0].api.call('POST', `/containers/${Id}/start`);
    const app = await startApp(join(folder, 'echo'), { env: { ...env, GANTRY_SOCKET: local.socket }, hosts: hosts.slice(0, 1) });
    const { page } = app;
    await page.shows(ROW, 'shell');
    await page.run((hash) => location.assign(hash), `#/containers/${hosts[0].id}/${Id.slice(0, 12)}/terminal`);
    await page.shows('[data-testid="terminal-open"]');
    await page.click('[data-testid="terminal-open"]');
    await page.shows('.xterm-rows', '#');
    await page.click('[data-testid="terminal"]');
    await page.run(() => document.querySelector('.xterm-helper-textarea').focus());
    const plain = plainEcho(far.ssh);
    await plain.ready;
    for (let i = 0; i < keys; i++) {
      await page.run(watchEcho);
      await page.key('x');
      note('echo in a container’s terminal, to the screen', await page.run(() => window.benchEcho));
      note('echo of plain ssh, to the byte', await plain.sample());
      await pause(40);
    }
    plain.stop();
    await app.stop();
    await far.slow(0);
  },

  /** One large file in a volume, until it is on the disk there. */
  async copy({ folder, env, local, far, hosts, engines, rounds, megabytes }, note) {
    const { Mountpoint } = await local.api.call('POST', '/volumes/create', { body: { Name: 'bench' } });
    execFileSync('dd', ['if=/dev/urandom', `of=${Mountpoint}/large`, 'bs=1M', `count=${megabytes}`, 'status=none']);
    const there = join(folder, 'there');
    mkdirSync(there);
    const rate = (begin) => (megabytes * 1.048576) / ((performance.now() - begin) / 1000);
    for (const ms of [0, 20]) {
      await far.slow(ms);
      const app = await startApp(join(folder, 'copy'), { env: { ...env, GANTRY_SOCKET: local.socket }, hosts: hosts.slice(0, 1) });
      await app.page.run(whenConnected, hosts[0].id);
      for (let round = 0; round < rounds; round++) {
        let begin = performance.now();
        await app.page.run(copyVolume, 'bench', hosts[0].id);
        note(`copy of a volume, ${ms} ms there and back`, rate(begin));
        await engines[0].api.call('DELETE', '/volumes/copied?force=1');
        begin = performance.now();
        const { scp, ssh, at } = far;
        await done([...scp, `${Mountpoint}/large`, at(`${there}/x`)]);
        await done([...ssh, `sync -f ${there}/x`]);
        note(`scp, ${ms} ms there and back`, rate(begin));
        rmSync(`${there}/x`);
      }
      await app.stop();
    }
    await far.slow(0);
    await local.api.call('DELETE', '/volumes/bench?force=1');
  },

  /** Memory and processor of all its processes, the engines left out: with nothing to show, and with hosts full of containers. */
  async idle({ folder, env, local, hosts, engines, containers, idleSeconds }, note) {
    const rest = async (app, what) => {
      // What a start leaves behind is swept up within this time.
      await pause(15_000);
      const before = app.usage();
      await pause(idleSeconds * 1000);
      const after = app.usage();
      note(`memory (PSS), ${what}`, after.pssMiB);
      note(`processor, ${what}`, (after.cpuMs - before.cpuMs) / (idleSeconds * 10));
    };
    const nothing = await startApp(join(folder, 'blank'), { env, program: blank });
    await nothing.page.shows('#blank');
    await rest(nothing, 'a blank Electron window');
    await nothing.stop();
    const alone = await startApp(join(folder, 'alone'), { env });
    await alone.page.shows('[data-testid="first-run"]');
    await rest(alone, 'nothing to show');
    await alone.stop();

    await Promise.all(engines.map((engine) => fill(engine, containers)));
    const app = await startApp(join(folder, 'many'), { env: { ...env, GANTRY_SOCKET: local.socket }, hosts });
    for (let i = 0; i < hosts.length; i++) await app.page.run(whenConnected, hosts[i].id);
    await app.page.shows(ROW, 'many-0');
    await rest(app, `${hosts.length} SSH hosts with ${hosts.length * containers} containers`);
    await app.stop();
  },
};

async function done([command, ...args]) {
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
}

async function fill(engine, count) {
  for (let i = 0; i < count; i++) {
    const { Id } = await engine.api.create(createOf({ ExposedPorts: { '80/tcp': {} } }), `many-${i}`);
    // One in ten runs.
    if (i % 10 === 0) await engine.api.call('POST', `/containers/${Id}/start`);
  }
}

/** An interactive shell over ssh, one byte at a time. */
function plainEcho([command, ...args]) {
  const child = spawn(command, [...args.slice(0, -1), '-tt', ...args.slice(-1), 'exec sh'], { stdio: ['pipe', 'pipe', 'ignore'] });
  let on = () => undefined;
  child.stdout.on('data', (data) => on(data.toString()));
  const ready = new Promise((resolve) => {
    on = (text) => /[#$] $/.test(text) && resolve();
  });
  return {
    ready,
    sample() {
      const begin = performance.now();
      const came = new Promise((resolve) => {
        on = (text) => text.includes('x') && resolve(performance.now() - begin);
      });
      child.stdin.write('x');
      return came;
    },
    stop: () => child.kill(),
  };
}

/** In the window: `benchEcho` becomes the time from the next key to the change of the terminal's rows that it makes. */
function watchEcho() {
  const rows = document.querySelector('.xterm-rows');
  const before = (rows.textContent.match(/x/g) ?? []).length;
  window.benchEcho = new Promise((resolve) => {
    let begin = 0;
    window.addEventListener('keydown', () => (begin = performance.now()), { capture: true, once: true });
    const observer = new MutationObserver(() => {
      if ((rows.textContent.match(/x/g) ?? []).length <= before) return;
      observer.disconnect();
      resolve(performance.now() - begin);
    });
    observer.observe(rows, { childList: true, subtree: true, characterData: true });
  });
}

/** In the window. */
async function whenConnected(id) {
  for (;;) {
    const host = (await window.gantry.hosts.list()).find((each) => each.id === id);
    if (host.state.status === 'connected') return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** In the window. */
async function copyVolume(name, to) {
  const source = { kind: 'volume', hostId: 'local', id: name, name };
  const request = { source, to, name: 'copied', move: false, start: false, pause: false, useVolumes: [], remove: false };
  const id = await window.gantry.transfers.start(request);
  for (;;) {
    const transfer = (await window.gantry.transfers.list()).find((each) => each.id === id);
    if (transfer.status === 'done') return;
    if (transfer.status !== 'running') throw new Error(transfer.error);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
