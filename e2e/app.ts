import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { Settings } from '../electron/ipc/contract.ts';
import { Client } from '../helper/tests/client.ts';
import { engineTraces, sweep, wordsOf } from '../helper/tests/leftovers.ts';
import { electronRuntime } from '../scripts/electron-runtime.mjs';
import { starterImage } from '../scripts/starter-image.mjs';

export const ROOT = path.resolve(import.meta.dirname, '..');
/** Kept as test output: pictures of every page. */
export const PICTURES = path.join(ROOT, 'test-output', 'screenshots');

const GUIDE = { width: 1080, height: 760 };
const QUIT_MS = 15_000;
const ANSWER_MS = 20_000;

export interface AppOptions {
  width?: number;
  height?: number;
  /** What the user chose before; English and light unless said otherwise, so that pictures look the same everywhere. */
  settings?: Partial<Settings>;
}

/** The real application on a real engine, both on folders of their own. */
export interface App {
  readonly electron: ElectronApplication;
  readonly page: Page;
  folder: string;
  /** The engine's API, past the window. */
  engine: Client;
  /** Saves a picture of the window in test-output/screenshots. */
  picture(name: string): Promise<void>;
  /** The same in light and dark, in English and Chinese: `NAME-light-en` and so on. */
  pictures(name: string): Promise<void>;
  /** A picture for the documentation: of a window of the size that it is read at, kept in docs/images with GANTRY_UPDATE_PICTURES=1. */
  guide(name: string): Promise<void>;
  /** The window's content, in CSS pixels. */
  resize(width: number, height: number): Promise<void>;
  settings(change: Partial<Settings>): Promise<void>;
  /** Loads the starter image into the local engine. */
  starter(): Promise<void>;
  /** Ends the application as a user does and starts it again: `page` and `electron` are new ones. */
  restart(): Promise<void>;
  /** As when its machine's memory ran out: SIGKILL. The helper runs on, and the next start finds it. */
  kill(): Promise<void>;
  /** After `kill`. */
  start(): Promise<void>;
  /** The helper's process, started by the application. */
  helperPid(): number;
  close(): Promise<void>;
}

/**
 * One application for the tests of a file: started before the first, ended after the last. A test that fails leaves a picture.
 *
 * @returns gives it, inside a test
 */
export function application(options: AppOptions = {}): () => App {
  let app: App | undefined;
  const current = () => {
    if (!app) throw new Error('the application runs inside tests only');
    return app;
  };
  beforeAll(async () => {
    app = await startApp(options);
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await app?.picture(`failed-${task.name.replaceAll(/[^\w]+/g, '-')}`).catch(() => undefined);
  });
  afterAll(() => app?.close());
  return current;
}

async function startApp({ width = 1440, height = 900, settings }: AppOptions): Promise<App> {
  if (process.getuid?.() !== 0) throw new Error('the tests through the window need root, for the engine');
  mkdirSync(PICTURES, { recursive: true });
  const [{ path: executablePath }, starter] = await Promise.all([electronRuntime(), starterImage()]);
  const folder = mkdtempSync(path.join(tmpdir(), 'gantry-e2e-'));
  const socket = path.join(folder, 'engine.sock');
  const launch = () =>
    _electron.launch({
      executablePath,
      args: ['--no-sandbox', '--lang=en-US', ROOT],
      cwd: ROOT,
      env: {
        ...(process.env as Record<string, string>),
        GANTRY_USER_DATA: path.join(folder, 'user'),
        GANTRY_SOCKET: socket,
        GANTRY_DATA: path.join(folder, 'data'),
        GANTRY_RUN: path.join(folder, 'run'),
        GANTRY_STARTER: starter,
      },
    });
  const windowOf = async (of: ElectronApplication) => {
    const first = await inTime('the first window', of.firstWindow());
    first.setDefaultTimeout(20_000);
    return first;
  };
  let electron = await launch();
  let page = await windowOf(electron);
  let orphan: number | undefined;
  const engine = new Client(socket, '');
  const app: App = {
    get electron() {
      return electron;
    },
    get page() {
      return page;
    },
    folder,
    engine,
    async picture(name) {
      // No tooltip of what a click left the mouse on.
      await page.mouse.move(0, 0);
      await page.screenshot({ path: path.join(PICTURES, `${name}.png`), animations: 'disabled' });
    },
    async pictures(name) {
      for (const language of ['en', 'zh'] as const) {
        for (const theme of ['light', 'dark'] as const) {
          await app.settings({ language, theme });
          await page.locator(`html[data-theme="${theme}"][lang^="${language}"]`).waitFor({ state: 'attached' });
          await app.picture(`${name}-${theme}-${language}`);
        }
      }
      await app.settings({ language: 'en', theme: 'light' });
      await page.locator('html[data-theme="light"][lang="en"]').waitFor({ state: 'attached' });
    },
    async guide(name) {
      await app.resize(GUIDE.width, GUIDE.height);
      await app.picture(`guide-${name}`);
      await app.resize(width, height);
      if (!process.env.GANTRY_UPDATE_PICTURES) return;
      mkdirSync(path.join(ROOT, 'docs/images'), { recursive: true });
      copyFileSync(path.join(PICTURES, `guide-${name}.png`), path.join(ROOT, 'docs/images', `${name}.png`));
    },
    async resize(toWidth, toHeight) {
      const resized = electron.evaluate(
        ({ BrowserWindow }, size) => BrowserWindow.getAllWindows()[0]?.setContentSize(size[0] ?? 0, size[1] ?? 0),
        [toWidth, toHeight],
      );
      await inTime('the main process', resized);
      await page.waitForFunction((size) => innerWidth === size[0] && innerHeight === size[1], [toWidth, toHeight]);
    },
    async settings(change) {
      await inTime(
        'new settings',
        page.evaluate((to) => window.gantry.settings.set(to), change),
      );
    },
    async starter() {
      await page.getByTestId('status').getByText('Gantry').waitFor();
      await page.evaluate(() => window.gantry.starter.load('local'));
    },
    async restart() {
      const problems = await quit(electron, folder);
      if (problems.length > 0) throw new Error(problems.join('\n'));
      await app.start();
    },
    async kill() {
      orphan = app.helperPid();
      const main = electron.process();
      const exited = new Promise((resolve) => main.once('exit', resolve));
      main.kill('SIGKILL');
      await inTime('the end of what was killed', exited);
      await inTime('the end of its processes', Promise.all(childrenIn(folder).map((pid) => endProcess(pid, 'SIGKILL'))));
    },
    async start() {
      electron = await launch();
      page = await windowOf(electron);
      await app.resize(width, height);
    },
    helperPid: () => helperPid(path.join(folder, 'user', 'gantry.log')),
    async close() {
      await inTime('the removal of containers', removeContainers(engine, socket));
      const problems = await quit(electron, folder);
      if (orphan !== undefined) await inTime('the helper without its application', endProcess(orphan));
      problems.push(...leftovers(folder));
      rmSync(folder, { recursive: true, force: true });
      if (problems.length > 0) throw new Error(`the application ended badly; what it left behind:\n${problems.join('\n')}`);
    },
  };
  try {
    await app.settings({ language: 'en', theme: 'light', ...settings });
    await app.resize(width, height);
  } catch (error) {
    await app.close();
    throw error;
  }
  return app;
}

/** What has no time-out of its own, so that a hang has a name. */
async function inTime<T>(what: string, work: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = delay(ANSWER_MS, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`waited ${ANSWER_MS / 1000} s in vain for ${what}`);
  });
  try {
    return (await Promise.race([work, late])) as T;
  } finally {
    timer.abort();
    late.catch(() => undefined);
  }
}

/** Ends the application as a user does. @returns what went wrong, in words */
async function quit(electron: ElectronApplication, folder: string): Promise<string[]> {
  const main = electron.process();
  const exited = new Promise<true>((resolve) => main.once('exit', () => resolve(true)));
  const asked = electron.close().catch(() => undefined);
  const timer = new AbortController();
  const inTime = await Promise.race([exited, delay(QUIT_MS, false, { signal: timer.signal }).catch(() => false)]);
  timer.abort();
  if (inTime) return [];
  const log = ['gantry.log', 'gantryd.log'].map((name) => readFileSync(path.join(folder, 'user', name), 'utf8').slice(-2000));
  main.kill('SIGKILL');
  await asked;
  return [`it did not end within ${QUIT_MS / 1000} s of being asked to`, ...log];
}

/** Chromium's processes of a folder; without their main process some go on for a while. */
function childrenIn(folder: string): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Boolean);
  return pids.filter((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return command.includes(`--user-data-dir=${folder}/`) && command.includes('--type=');
    } catch {
      return false; // It has ended.
    }
  });
}

/** Ends a process that is not our child. */
async function endProcess(pid: number, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  const isThere = () => existsSync(`/proc/${pid}/exe`);
  if (isThere()) process.kill(pid, signal);
  while (isThere()) await delay(20);
}

/** Containers outlive the application; those of a test do not. */
async function removeContainers(engine: Client, socket: string): Promise<void> {
  if (!existsSync(socket)) return;
  const list = await engine.get('/containers/json?all=1').catch(() => undefined);
  const containers: { Id: string }[] = Array.isArray(list?.json) ? list.json : [];
  await Promise.all(containers.map(({ Id }) => engine.delete(`/containers/${Id}?force=1&v=1`)));
}

/** What is left of an engine after its end, in words; removed as far as it goes. */
function leftovers(folder: string): string[] {
  const left = engineTraces(folder);
  sweep(left);
  return wordsOf(left);
}

function helperPid(logPath: string): number {
  const pid = [...readFileSync(logPath, 'utf8').matchAll(/Started the helper \(pid (\d+)\)/g)].at(-1)?.[1];
  if (pid === undefined) throw new Error(`${logPath} names no helper`);
  return Number(pid);
}
