#!/usr/bin/env node
/**
 * What a copy of a volume from one engine of ours to another carries a second, beside ssh with the same bytes: both over sshd on the
 * loopback, both until the bytes are on disk.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runMeasuring } from './lib/measuring.mjs';
import { which } from './lib/run.mjs';
import { Stop, say } from './lib/say.mjs';

const usage = `Usage: node scripts/bench-copy.mjs [options]

  --megabytes N  in one file of the volume, beside 1,000 small ones (default: 256)
  --rounds N     (default: 5)
`;

const { values: options } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '256' },
    rounds: { type: 'string', default: '5' },
    help: { type: 'boolean' },
  },
});

const PORT = 2222;

/** An sshd for root alone. @returns what goes before a command for it */
async function startSshd(folder, undo) {
  const { start } = await import('../bench/processes.mjs');
  mkdirSync(folder, { mode: 0o700 });
  for (const key of ['host', 'user']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, key)]);
  mkdirSync('/run/sshd', { recursive: true });
  const settings = [`HostKey=${folder}/host`, `AuthorizedKeysFile=${folder}/user.pub`, 'StrictModes=no', 'UsePAM=no', 'PidFile=none'];
  const args = ['-D', '-e', '-f', '/dev/null', '-p', String(PORT), ...settings.flatMap((each) => ['-o', each])];
  undo.push(start(which('sshd'), args, { log: join(folder, 'log') }).stop);
  const client = ['-p', String(PORT), '-i', `${folder}/user`, '-F', '/dev/null', '-o', 'StrictHostKeyChecking=no'];
  const ssh = ['ssh', ...client, '-o', `UserKnownHostsFile=${folder}/known`, '-o', 'LogLevel=ERROR', 'root@127.0.0.1'];
  for (let tries = 0; spawnSync(ssh[0], [...ssh.slice(1), 'true']).status !== 0; tries++) {
    if (tries > 100) throw new Stop(`sshd does not answer; see ${folder}/log`);
    await pause(50);
  }
  return ssh;
}

function post(socketPath, path, headers) {
  const sent = request({ socketPath, method: 'POST', path, headers, agent: false });
  return { sent, answer: new Promise((resolve, reject) => sent.on('response', resolve).on('error', reject)) };
}

/** As the app does it: the source's answer is the target's request. */
async function copy(from, to, name) {
  const body = JSON.stringify({ Kind: 'volume', Name: 'bench' });
  const source = post(from, '/gantry/v1/copy/send', { 'Content-Type': 'application/json', 'Content-Length': body.length });
  source.sent.end(body);
  const target = post(to, `/gantry/v1/copy/receive?name=${name}`, { 'Content-Type': 'application/vnd.gantry.copy' });
  const carried = pipeline(await source.answer, target.sent);
  let said = '';
  for await (const chunk of await target.answer) said += chunk;
  await carried;
  if (!said.includes('"aux"')) throw new Stop(`the copy failed: ${said.slice(-500)}`);
}

async function measure(folder, undo) {
  const { startEngine } = await import('../bench/engines.mjs');
  const { start } = await import('../bench/processes.mjs');
  const [from, to] = await Promise.all(['from', 'to'].map((name) => startEngine('gantry', join(folder, name))));
  undo.push(from.stop, to.stop);
  const { Mountpoint } = await from.api.call('POST', '/volumes/create', { body: { Name: 'bench' } });
  const fill = `dd if=/dev/urandom of=large bs=1M count=${Number(options.megabytes)} status=none; for i in $(seq 1000); do echo $i > f$i; done`;
  execFileSync('sh', ['-ec', fill], { cwd: Mountpoint });
  const ssh = await startSshd(join(folder, 'ssh'), undo);
  const door = join(folder, 'door.sock');
  const forward = ['-N', '-o', 'ExitOnForwardFailure=yes', '-L', `${door}:${join(folder, 'to', 'engine.sock')}`];
  undo.push(start(ssh[0], [...ssh.slice(1, -1), ...forward, ssh.at(-1)], { log: join(folder, 'door.log') }).stop);
  while (!existsSync(door)) await pause(20);

  const there = join(folder, 'there');
  const remote = ssh.map((word) => `'${word}'`).join(' ');
  const local = join(folder, 'to', 'engine.sock');
  const ways = {
    'copy, both on this machine': () => copy(join(folder, 'from', 'engine.sock'), local, 'copied'),
    'copy over ssh': () => copy(join(folder, 'from', 'engine.sock'), door, 'copied'),
    'tar | ssh tar': () =>
      execFileSync('sh', ['-ec', `tar -C ${Mountpoint} -cf - . | ${remote} 'mkdir ${there}; tar -C ${there} -xf -; sync -f ${there}'`]),
    'ssh cat, the large file alone': () =>
      execFileSync('sh', ['-ec', `mkdir ${there}; ${remote} 'cat > ${there}/x; sync -f ${there}' < ${Mountpoint}/large`]),
  };
  const best = new Map();
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [name, run] of Object.entries(ways)) {
      const begin = performance.now();
      await run();
      const rate = (Number(options.megabytes) * 1.048576) / ((performance.now() - begin) / 1000);
      best.set(name, [...(best.get(name) ?? []), rate]);
      rmSync(there, { recursive: true, force: true });
      await to.api.call('DELETE', '/volumes/copied?force=1');
    }
  }
  for (const [name, rates] of best) {
    const sorted = rates.sort((a, b) => a - b);
    say(`${name.padEnd(32)} ${sorted[sorted.length >> 1].toFixed(0).padStart(5)} MB/s (best ${sorted.at(-1).toFixed(0)})`);
  }
}

await runMeasuring({ script: fileURLToPath(import.meta.url), usage, help: options.help }, measure);
