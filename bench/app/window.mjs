/** The real application, watched from outside through Chromium's own debugging port: no test library, no inspector in its main process. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import WebSocket from 'ws';
import { electronRuntime } from '../../scripts/electron-runtime.mjs';
import { root } from '../../scripts/lib/paths.mjs';
import { start } from '../processes.mjs';

const PORT = 9333;
const ANSWER_MS = 60_000;

const running = new Set();

/** Ends those that a measure has left behind when it failed. */
export const stopApps = () => Promise.all([...running].map((stop) => stop()));

/**
 * @param folder   its user data, and the local engine's socket and data
 * @param hosts    [{ id, name, address, socketPath }] besides the local one, as the application has kept them
 * @param env      what else goes into its environment (DISPLAY, HOME, GANTRY_SOCKET of an engine that runs already)
 * @param program  what Electron runs, for comparison
 * @returns { startedAt, page, pid, usage, stop }: startedAt in ms since 1970
 */
export async function startApp(folder, { hosts = [], env = {}, program = root } = {}) {
  const user = join(folder, 'user');
  mkdirSync(user, { recursive: true });
  const local = { id: 'local', name: 'local', colour: 'violet', kind: 'local' };
  const kept = { version: 1, hosts: [local, ...hosts.map((host) => ({ colour: 'teal', kind: 'ssh', ...host }))] };
  writeFileSync(join(user, 'hosts.json'), JSON.stringify(kept));
  const { path } = await electronRuntime();
  const startedAt = Date.now();
  const main = start(path, ['--no-sandbox', '--lang=en-US', `--remote-debugging-port=${PORT}`, program], {
    log: join(folder, 'app.log'),
    cwd: root,
    env: {
      GANTRY_USER_DATA: user,
      GANTRY_SOCKET: join(folder, 'engine.sock'),
      GANTRY_DATA: join(folder, 'data'),
      GANTRY_RUN: join(folder, 'run'),
      ...env,
    },
  });
  running.add(main.stop);
  try {
    const page = await openPage(main.ended);
    return {
      startedAt,
      page,
      usage: () => usageOf(main.child.pid),
      async stop() {
        page.close();
        await main.stop();
        running.delete(main.stop);
      },
    };
  } catch (error) {
    await main.stop();
    throw error;
  }
}

async function openPage(ended) {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  for (const until = performance.now() + ANSWER_MS; performance.now() < until && !over; await pause(10)) {
    const pages = await fetch(`http://127.0.0.1:${PORT}/json/list`).then(
      (response) => response.json(),
      () => [],
    );
    const page = pages.find(({ type, url }) => type === 'page' && /^(app|data):/.test(url));
    if (page) return connect(page.webSocketDebuggerUrl);
  }
  throw new Error(over ? 'the application ended at once' : 'no window came');
}

async function connect(url) {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const waiting = new Map();
  let next = 1;
  socket.on('message', (data) => {
    const { id, result, error } = JSON.parse(data);
    const call = waiting.get(id);
    waiting.delete(id);
    if (error) call?.reject(new Error(error.message));
    else call?.resolve(result);
  });
  const send = (method, params = {}) =>
    new Promise((resolve, reject) => {
      const id = next++;
      waiting.set(id, { resolve, reject });
      socket.send(JSON.stringify({ id, method, params }));
    });
  /** Runs a function in the window. @returns what it, or the promise that it gives, is */
  const run = async (fn, ...args) => {
    const expression = `(${fn})(...${JSON.stringify(args)})`;
    const evaluate = () => send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    let answer = await evaluate().catch((error) => error);
    // The window is there before its page.
    while (/execution context/i.test(answer.message)) {
      await pause(5);
      answer = await evaluate().catch((error) => error);
    }
    if (answer instanceof Error) throw answer;
    const { result, exceptionDetails } = answer;
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  return {
    send,
    run,
    /** Waits for an element whose text contains `text`. @returns when it was painted, in ms since 1970 */
    shows: (selector, text = '') => run(whenShown, selector, text, ANSWER_MS),
    click: (selector) => run((which) => document.querySelector(which).click(), selector),
    /** A key, as from a keyboard. */
    async key(text) {
      await send('Input.dispatchKeyEvent', { type: 'keyDown', text, key: text });
      await send('Input.dispatchKeyEvent', { type: 'keyUp', key: text });
    },
    close: () => socket.close(),
  };
}

/** In the window. */
function whenShown(selector, text, withinMs) {
  return new Promise((resolve, reject) => {
    const isThere = () => [...document.querySelectorAll(selector)].some((element) => element.textContent.includes(text));
    const look = () => {
      if (!isThere()) return;
      observer.disconnect();
      clearTimeout(late);
      requestAnimationFrame(() => setTimeout(() => resolve(Date.now())));
    };
    const observer = new MutationObserver(look);
    const late = setTimeout(() => reject(new Error(`waited in vain for ${selector} with ${text}`)), withinMs);
    observer.observe(document, { childList: true, subtree: true, characterData: true });
    look();
  });
}

/** Processor time in ms and proportional memory in MiB of a process and what it has started, but for the engine. */
function usageOf(pid) {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const [, parent, , , , , , , , , , user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const isEngine = readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('gantryd.js');
        return isEngine ? [] : [{ pid: Number(name), parent: Number(parent), ticks: Number(user) + Number(system) }];
      } catch {
        return []; // It ended meanwhile.
      }
    });
  const ours = new Set([pid]);
  for (let size = 0; size !== ours.size; ) {
    size = ours.size;
    for (const each of processes) if (ours.has(each.parent)) ours.add(each.pid);
  }
  const mine = processes.filter((each) => ours.has(each.pid));
  return { cpuMs: mine.reduce((sum, { ticks }) => sum + ticks * 10, 0), pssMiB: mine.reduce((sum, each) => sum + pssOf(each.pid), 0) };
}

function pssOf(pid) {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
