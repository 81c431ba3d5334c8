import { FOLDER } from './check.ts';

/** Scripts that run on the machine, by the Node that was brought there: the machine may have no curl. */

export const SOCKET = '/run/gantry/gantry.sock';

const onNode = (script: string) => `${FOLDER}/node -e '\n${script}'`;

/** Waits until the engine answers, and prints its version. @param pidFile its absence means that the engine has ended */
export function askVersion(pidFile?: string): string {
  return onNode(`const fs = require("fs");
const http = require("http");
let tries = 0;
const ask = () =>
  http.get({ socketPath: "${SOCKET}", path: "/version" }, (answer) => {
    let text = "";
    answer.on("data", (part) => (text += part)).on("end", () => process.stdout.write(JSON.parse(text).Version + "\\n"));
  }).on("error", (error) => {
    const ended = ${pidFile ? `tries > 50 && !fs.existsSync("${pidFile}")` : 'false'};
    if (++tries < 150 && !ended) setTimeout(ask, 200);
    else { process.stderr.write(error.message + "\\n"); process.exitCode = 1; }
  });
ask();
`);
}

/** Ends or removes all containers through the engine's own API; fails if some run and no engine answers. */
export function endContainers(remove: boolean): string {
  const list = `/containers/json?all=${remove ? 1 : 0}`;
  const each = remove ? '"DELETE", `/containers/${Id}?force=1&v=1`' : '"POST", `/containers/${Id}/stop`';
  return onNode(`const fs = require("fs");
const http = require("http");
const ask = (method, path) => new Promise((resolve, reject) =>
  http.request({ socketPath: "${SOCKET}", method, path }, (answer) => {
    let text = "";
    answer.on("data", (part) => (text += part)).on("end", () =>
      answer.statusCode < 400 || answer.statusCode === 404 ? resolve(text) : reject(new Error(text)));
  }).on("error", reject).end());
const isMonitor = (pid) => {
  try {
    const command = fs.readFileSync("/proc/" + pid + "/cmdline", "utf8");
    return command.split("\\0")[0].endsWith("conmon") && command.includes("/gantry/");
  } catch { return false; }
};
(async () => {
  let list;
  try { list = JSON.parse(await ask("GET", "${list}")); }
  catch (error) {
    if (fs.readdirSync("/proc").some(isMonitor)) throw new Error("The engine does not answer, and its containers run: " + error.message);
    return;
  }
  await Promise.all(list.map(({ Id }) => ask(${each})));${remove ? '\n  await ask("POST", "/networks/prune");' : ''}
})().catch((error) => { process.stderr.write(error.message + "\\n"); process.exitCode = 1; });
`);
}
