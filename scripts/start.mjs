#!/usr/bin/env node
/**
 * Starts Gantry from a clone: brings in what is missing, builds what changed, opens the window on the local engine.
 * With no display it says so, uses a virtual one and tells where its screenshot lies.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildAll } from './build.mjs';
import { electronRuntime } from './electron-runtime.mjs';
import { rootPrefix } from './lib/debian.mjs';
import { virtualDisplay } from './lib/display.mjs';
import { root, testOutput } from './lib/paths.mjs';
import { isRoot, run, which } from './lib/run.mjs';
import { bold, runMain, say, since } from './lib/say.mjs';
import { hasDisplay, setup } from './setup.mjs';
import { starterImage } from './starter-image.mjs';

const usage = `Usage: npm start -- [options]

  --demo           walks through the main job by itself, with a screenshot of each step in test-output/demo/
  --screenshot     takes a screenshot and ends (with no display it takes one anyway, and goes on)
  --socket=PATH    uses the engine that answers there instead of starting one
  --help           prints this

Environment: GANTRY_ELECTRON (the Electron to run), GANTRY_DATA and GANTRY_RUN (the local engine's folders),
GANTRY_USER_DATA (the application's own folder).
`;

// Chromium's complaints about machines without a desktop session; they mean nothing.
const harmless =
  /ERROR:(bus|object_proxy|gpu_|viz_|gl_|command_buffer|angle_|egl_|vaapi|network_service_instance|sandbox_linux)|libva error|^\s*$/;

/** How long the window may take to show its content before the screenshot. */
const readyMs = 30_000;

function launchArguments(given) {
  return { args: [...(isRoot ? ['--no-sandbox'] : []), root, ...given], env: { GANTRY_NODE: process.execPath, ...process.env } };
}

/** With a screen: the application in front, its output here, until it ends. */
function runInFront(electron, given) {
  const { args, env } = launchArguments(given);
  const child = spawn(electron, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'pipe'] });
  let rest = '';
  child.stderr.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) if (!harmless.test(line)) process.stderr.write(`${line}\n`);
  });
  // Ctrl-C reaches the application as well: it ends by itself, and this follows.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 0));
  });
}

/** Driven by Playwright: to look at the window without a screen. */
async function launchDriven(electron, given) {
  const { _electron } = await import('playwright-core');
  const { args, env } = launchArguments(given);
  const app = await _electron.launch({ executablePath: electron, args, cwd: root, env, timeout: readyMs });
  const page = await app.firstWindow();
  await page.waitForFunction(() => (document.getElementById('root')?.textContent?.length ?? 0) > 0, undefined, { timeout: readyMs });
  return { app, page };
}

async function showWithoutScreen(electron, given, { once }) {
  const { app, page } = await launchDriven(electron, given);
  // What comes from the engine: a moment after the frame.
  await page.waitForLoadState('networkidle').catch(() => {});
  await page.waitForTimeout(1000);
  mkdirSync(testOutput, { recursive: true });
  const picture = join(testOutput, 'start.png');
  await page.screenshot({ path: picture });
  say(`screenshot: ${bold(picture)}`);
  if (once) {
    await app.close();
    return;
  }
  say('running; Ctrl-C ends it (containers run on)');
  await new Promise((resolve) => app.on('close', resolve));
}

/** The engine's files are root's. */
async function removeFolder(folder) {
  const prefix = rootPrefix();
  if (isRoot || prefix === undefined) rmSync(folder, { recursive: true, force: true });
  else await run(prefix[0], [...prefix.slice(1), 'rm', '-rf', folder], { quiet: true });
}

await runMain(async () => {
  const given = process.argv.slice(2);
  if (given.includes('--help')) {
    process.stdout.write(usage);
    return;
  }
  const start = performance.now();
  const needsDisplay = !hasDisplay() && process.platform === 'linux';
  await setup(['engine', 'gui', ...(needsDisplay ? ['display'] : [])]);
  const [runtime] = await Promise.all([electronRuntime(), buildAll(), starterImage()]);
  say(`Electron ${runtime.version}, from ${runtime.source}`);
  if (!isRoot && !which('pkexec') && !which('sudo')) {
    say('the engine needs root, and there is neither pkexec nor sudo here: start it yourself (node dist/gantryd.js, as root)');
  }
  const passed = given.filter((argument) => !['--demo', '--screenshot'].includes(argument));
  let display;
  if (needsDisplay) {
    display = await virtualDisplay();
    process.env.DISPLAY = display.display;
    say(`there is no display here: using a virtual one (${display.display})`);
  }
  say(`ready to open after ${since(start)}`);
  if (given.includes('--demo')) {
    const { demo } = await import('./lib/demo.mjs');
    // An engine of its own: the walk begins with nothing and leaves nothing, whatever the user has.
    const folder = mkdtempSync(join(tmpdir(), 'gantry-demo-'));
    const own = { GANTRY_USER_DATA: 'user', GANTRY_SOCKET: 'engine.sock', GANTRY_DATA: 'data', GANTRY_RUN: 'run' };
    for (const [name, part] of Object.entries(own)) process.env[name] = join(folder, part);
    try {
      const { app, page } = await launchDriven(runtime.path, passed);
      await demo(page).finally(() => app.close());
    } finally {
      await removeFolder(folder);
    }
  } else if (needsDisplay || given.includes('--screenshot')) {
    await showWithoutScreen(runtime.path, passed, { once: given.includes('--screenshot') });
  } else {
    process.exitCode = await runInFront(runtime.path, passed);
  }
  display?.stop();
});
