#!/usr/bin/env node
/**
 * Many clients that create, start, execute in, stop and remove containers at the same time, for long: no request hangs or fails, and
 * what the engine holds of the machine is counted before and after. The short form of it is a part of `npm test`.
 *
 *   npm run soak -- [--minutes 10] [--clients 50]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { rootPrefix } from './lib/debian.mjs';
import { root } from './lib/paths.mjs';
import { run } from './lib/run.mjs';
import { runMain, Stop } from './lib/say.mjs';
import { setup } from './setup.mjs';

const usage = `Usage: npm run soak -- [--minutes 10] [--clients 50]

  --minutes N  how long; fractions are all right
  --clients N  how many at the same time
`;

function positive(name, text) {
  const value = Number(text);
  if (!(value > 0)) throw new Stop(`--${name} ${text} is no number above zero\n${usage}`);
  return value;
}

await runMain(async () => {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      clients: { type: 'string', default: '50' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const seconds = Math.round(positive('minutes', values.minutes) * 60);
  const clients = Math.round(positive('clients', values.clients));
  await setup(['engine', 'test']);
  const prefix = rootPrefix();
  if (prefix === undefined) throw new Stop('needs root, and there is neither sudo nor pkexec here: run it as root');
  const [command, ...args] = [
    ...prefix,
    'env',
    `GANTRY_SOAK_SECONDS=${seconds}`,
    `GANTRY_SOAK_CLIENTS=${clients}`,
    process.execPath,
    join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--project=engine',
    'helper/tests/soak.test.ts',
  ];
  const { code } = await run(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  process.exit(code);
});
