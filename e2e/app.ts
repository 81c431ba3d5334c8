import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { electronRuntime } from '../scripts/electron-runtime.mjs';

export const ROOT = path.resolve(import.meta.dirname, '..');
/** Kept as test output: pictures of every page. */
export const PICTURES = path.join(ROOT, 'test-output', 'screenshots');

export interface App {
  electron: ElectronApplication;
  page: Page;
  folder: string;
  socket: string;
  /** Saves a picture of the window. */
  picture(name: string): Promise<void>;
  close(): Promise<void>;
}

export interface AppOptions {
  /** Instead of starting a helper of its own: one that runs. */
  socket?: string;
  width?: number;
  height?: number;
  /** `system` of the test machine is English. */
  language?: 'en' | 'zh';
  theme?: 'light' | 'dark';
  /** A folder of an earlier app, to start it again on the same data. */
  folder?: string;
}

/**
 * Starts the real application with a real engine, both on folders of their own.
 * Everything it leaves is below one temporary folder, which `close` removes.
 */
export async function startApp(options: AppOptions = {}): Promise<App> {
  const folder = options.folder ?? mkdtempSync(path.join(tmpdir(), 'gantry-e2e-'));
  const socket = options.socket ?? path.join(folder, 'engine.sock');
  mkdirSync(PICTURES, { recursive: true });
  const { path: executablePath } = await electronRuntime();
  const electron = await _electron.launch({
    executablePath,
    args: ['--no-sandbox', '--lang=en-US', ROOT],
    cwd: ROOT,
    env: {
      ...(process.env as Record<string, string>),
      GANTRY_USER_DATA: path.join(folder, 'user'),
      GANTRY_SOCKET: socket,
      GANTRY_DATA: path.join(folder, 'data'),
      GANTRY_RUN: path.join(folder, 'run'),
    },
  });
  const page = await electron.firstWindow();
  page.setDefaultTimeout(20_000);
  await page.setViewportSize({ width: options.width ?? 1440, height: options.height ?? 900 }).catch(() => undefined);
  await electron.evaluate(({ BrowserWindow }, size) => BrowserWindow.getAllWindows()[0]?.setContentSize(size.width, size.height), {
    width: options.width ?? 1440,
    height: options.height ?? 900,
  });
  await page.evaluate(
    (settings) => (window as unknown as { gantry: { settings: { set(change: unknown): Promise<unknown> } } }).gantry.settings.set(settings),
    { language: options.language ?? 'en', theme: options.theme ?? 'light' },
  );
  return {
    electron,
    page,
    folder,
    socket,
    picture: async (name) => void (await page.screenshot({ path: path.join(PICTURES, `${name}.png`) })),
    async close() {
      await electron.close();
      if (!options.folder) rmSync(folder, { recursive: true, force: true });
    },
  };
}
