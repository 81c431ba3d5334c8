/** A machine at the other end of a line: an sshd on the loopback, and lines to it that are slow. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { which } from '../../scripts/lib/run.mjs';
import { Stop } from '../../scripts/lib/say.mjs';
import { start } from '../processes.mjs';

const PORT = 2222;
const line = fileURLToPath(new URL('./line.mjs', import.meta.url));

/**
 * @param folder  keys, logs, and `home` with an .ssh that knows the machine as each of `names`
 * @returns { home, ssh, scp, at, slow, stop }: ssh and scp are what goes before a command and a file, at(path) is a file there;
 *   slow(ms) sets the time there and back for connections that are made from then on
 */
export async function startFar(folder, names) {
  const home = join(folder, 'home');
  const keys = join(home, '.ssh');
  mkdirSync(keys, { recursive: true, mode: 0o700 });
  for (const key of ['host', 'id']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(keys, key)]);
  mkdirSync('/run/sshd', { recursive: true });
  const settings = [
    `HostKey=${keys}/host`,
    `AuthorizedKeysFile=${keys}/id.pub`,
    'StrictModes=no',
    'UsePAM=no',
    'PidFile=none',
    'Subsystem=sftp internal-sftp',
  ];
  const args = ['-D', '-e', '-f', '/dev/null', '-p', String(PORT), ...settings.flatMap((each) => ['-o', each])];
  const processes = [start(which('sshd'), args, { log: join(folder, 'sshd.log') })];
  const know = (port) => {
    const where = `  HostName 127.0.0.1\n  Port ${port}\n  User root\n  HostKeyAlias far\n`;
    const files = `  IdentityFile ${keys}/id\n  UserKnownHostsFile ${keys}/known_hosts\n`;
    writeFileSync(join(keys, 'config'), names.map((name) => `Host ${name}\n${where}${files}`).join(''));
  };
  know(PORT);
  writeFileSync(join(keys, 'known_hosts'), `far ${readFileSync(join(keys, 'host.pub'), 'utf8')}`);
  const [name = ''] = names;
  const config = ['-F', join(keys, 'config'), '-o', 'LogLevel=ERROR'];
  const ssh = ['ssh', ...config, name];
  for (let tries = 0; spawnSync(ssh[0], [...ssh.slice(1), 'true']).status !== 0; tries++) {
    if (tries > 100) throw new Stop(`sshd does not answer; see ${folder}/sshd.log`);
    await pause(50);
  }
  const lines = new Set();
  return {
    home,
    ssh,
    scp: ['scp', '-q', ...config],
    at: (path) => `${name}:${path}`,
    async slow(ms) {
      const port = PORT + ms;
      if (ms > 0 && !lines.has(ms)) {
        lines.add(ms);
        processes.push(start(process.execPath, [line, port, PORT, ms].map(String), { log: join(folder, 'line.log') }));
        while (!(await listens(port))) await pause(20);
      }
      know(port);
    },
    async stop() {
      for (const { stop } of processes) await stop();
    },
  };
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
