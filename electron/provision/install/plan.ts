import type { InstallProblem, InstallStep } from '../../ipc/contract.ts';
import { shellQuoted } from '../../ssh/index.ts';
import { COMMAND, type Facts, FOLDER, type Manager, NEEDED } from './check.ts';

/** A step before it is run. `script` is what is shown, and exactly what is run. */
export interface PlannedStep {
  id: InstallStep['id'];
  asRoot: boolean;
  script: string;
  /** Undoes it, also when it was done by half. */
  undo?: string;
  timeoutMs?: number;
}
export interface PlanInput {
  facts: Facts;
  /** A folder there, private to the user, that takes what is copied. */
  staging: string;
  /** Bytes of what is copied: the engine and what runs it. */
  sizes: { engine: number; runtime: number };
  /** Texts of the units, from assets/systemd. */
  units: { service: string; socket: string };
}

const SOCKET = '/run/gantry/gantry.sock';
const UNITS = '/etc/systemd/system';
const PID_FILE = '/run/gantry/gantryd.pid';
const LOG = '/var/log/gantryd.log';
const OLDEST_KERNEL = [5, 4] as const;
/** Of Node 18 and later. */
const OLDEST_GLIBC = [2, 28] as const;
const ARCHITECTURES: Record<string, 'x64' | 'arm64'> = { x86_64: 'x64', aarch64: 'arm64' };
/** KiB. */
const PROGRAMS_SPACE = 400 * 1024;
const DATA_SPACE = 1024 * 1024;
const MEMORY = 400 * 1024;
const PACKAGES_MS = 15 * 60_000;

/** Node's name of the machine's architecture; undefined if there is no engine for it. */
export const architectureOf = ({ arch }: Facts): 'x64' | 'arm64' | undefined => ARCHITECTURES[arch];

const older = (text: string, [major, minor]: readonly [number, number]): boolean => {
  const [, a, b] = /^(\d+)\.(\d+)/.exec(text) ?? [];
  return a !== undefined && (Number(a) < major || (Number(a) === major && Number(b) < minor));
};

/** Why an engine can't be set up there (`blocking`), or what may be too little. */
export function problemsOf(facts: Facts): InstallProblem[] {
  const problems: InstallProblem[] = [];
  const add = (blocking: boolean, code: InstallProblem['code'], values: Record<string, string> = {}) =>
    problems.push({ code, blocking, values });
  if (facts.os !== 'Linux') add(true, 'not-linux', { os: facts.os });
  else if (!architectureOf(facts)) add(true, 'architecture', { arch: facts.arch });
  if (facts.os === 'Linux' && older(facts.kernel, OLDEST_KERNEL))
    add(true, 'kernel', { kernel: facts.kernel, oldest: OLDEST_KERNEL.join('.') });
  if (facts.libc === 'musl') add(true, 'musl');
  if (facts.libc === 'glibc' && older(facts.libcVersion, OLDEST_GLIBC))
    add(true, 'glibc', { version: facts.libcVersion, oldest: OLDEST_GLIBC.join('.') });
  if (facts.isPackaged) add(true, 'packaged');
  if (facts.rights === 'none') add(true, 'sudo-missing', { user: facts.user });
  const missing = missingPackages(facts, 'apt');
  if (!facts.manager && missing.length > 0) add(true, 'no-manager', { packages: missing.join(', ') });
  if (facts.freeForPrograms < PROGRAMS_SPACE)
    add(true, 'disk', { folder: '/usr/local', free: String(facts.freeForPrograms), needed: String(PROGRAMS_SPACE) });
  if (facts.freeForData < DATA_SPACE)
    add(false, 'disk', { folder: '/var/lib', free: String(facts.freeForData), needed: String(DATA_SPACE) });
  if (facts.memory < MEMORY) add(false, 'memory', { memory: String(facts.memory) });
  if (!facts.hasSystemd) add(false, 'no-systemd');
  return problems;
}

function missingPackages({ programs }: Facts, manager: Manager): string[] {
  return NEEDED.filter((needed) => !needed.programs.some((program) => programs.includes(program))).map(({ packages }) => packages[manager]);
}

const INSTALL: Record<Manager, (packages: string) => string> = {
  apt: (packages) => `export DEBIAN_FRONTEND=noninteractive\napt-get -q update\napt-get -q -y --no-install-recommends install ${packages}`,
  dnf: (packages) => `dnf -q -y --setopt=install_weak_deps=False install ${packages}`,
  zypper: (packages) => `zypper -q -n install --no-recommends ${packages}`,
  apk: (packages) => `apk -q add ${packages}`,
};
const REMOVE: Record<Manager, (packages: string) => string> = {
  apt: (packages) => `DEBIAN_FRONTEND=noninteractive apt-get -q -y remove ${packages}`,
  dnf: (packages) => `dnf -q -y remove ${packages}`,
  zypper: (packages) => `zypper -q -n remove ${packages}`,
  apk: (packages) => `apk -q del ${packages}`,
};

const mebibytes = (bytes: number) => `${Math.max(1, Math.round(bytes / 1024 / 1024))} MiB`;

function uploadStep({ staging, sizes }: PlanInput): PlannedStep {
  const what = [...(sizes.runtime > 0 ? [`# node (${mebibytes(sizes.runtime)})`] : []), `# gantryd.js (${mebibytes(sizes.engine)})`];
  return {
    id: 'upload',
    asRoot: false,
    script: `mkdir -m 700 ${staging}\n${what.map((line) => `${line} → ${staging}`).join('\n')}`,
    undo: `rm -rf ${staging}`,
    timeoutMs: 60 * 60_000,
  };
}

const verify = (hasSystemd: boolean) => `${FOLDER}/node -e '
const fs = require("fs");
const http = require("http");
let tries = 0;
const ask = () =>
  http.get({ socketPath: "${SOCKET}", path: "/version" }, (answer) => {
    let text = "";
    answer.on("data", (part) => (text += part)).on("end", () => process.stdout.write(JSON.parse(text).Version + "\\n"));
  }).on("error", (error) => {
    // Without a service manager, an engine that wrote no pid file by then has ended.
    const ended = ${hasSystemd ? 'false' : `tries > 50 && !fs.existsSync("${PID_FILE}")`};
    if (++tries < 150 && !ended) setTimeout(ask, 200);
    else { process.stderr.write(error.message + "\\n"); process.exitCode = 1; }
  });
ask();
'`;

function verifyStep({ hasSystemd }: Facts): PlannedStep {
  const log = hasSystemd ? 'journalctl -q -u gantry.service -n 20 --no-pager' : `tail -n 20 ${LOG}`;
  return { id: 'verify', asRoot: true, script: `${verify(hasSystemd)} || { ${log} >&2; exit 1; }`, timeoutMs: 120_000 };
}

const file = (path: string, content: string, mode: string) => `cat >${path} <<'EOF'\n${content.trimEnd()}\nEOF\nchmod ${mode} ${path}`;

/** The unit as it lies in our sources runs the system's Node: here it is the one beside the engine. */
function unitHere(service: string): string {
  return service
    .replace('/usr/bin/node /usr/lib/gantry/gantryd.js', `${FOLDER}/node ${FOLDER}/gantryd.js`)
    .replace(/^Documentation=.*\n/m, '');
}

// No systemd: in a session of its own, until the machine is shut down.
const START = `mkdir -p /run/gantry\nsetsid ${COMMAND} --pidfile ${PID_FILE} >>${LOG} 2>&1 </dev/null &`;
const STOP = `[ -f ${PID_FILE} ] && kill "$(cat ${PID_FILE})" && while [ -e /proc/"$(cat ${PID_FILE} 2>/dev/null || echo none)" ]; do sleep 0.1; done\ntrue`;

/** shadow's programs, or busybox's where those are missing. */
const either = (program: string, args: string, otherwise: string) =>
  `if command -v ${program} >/dev/null; then ${program} ${args}; else ${otherwise}; fi`;

export function installPlan(input: PlanInput): PlannedStep[] {
  const { facts, staging, units } = input;
  const { manager, user, uid, hasSystemd, hasGroup } = facts;
  const packages = manager ? missingPackages(facts, manager).join(' ') : '';
  const steps: PlannedStep[] = [];
  if (manager && packages !== '') {
    steps.push({
      id: 'packages',
      asRoot: true,
      script: INSTALL[manager](packages),
      undo: REMOVE[manager](packages),
      timeoutMs: PACKAGES_MS,
    });
  }
  steps.push(uploadStep(input), {
    id: 'files',
    asRoot: true,
    script: [
      `install -d -m 755 ${FOLDER}`,
      `install -m 755 ${staging}/node ${FOLDER}/node`,
      `install -m 644 ${staging}/gantryd.js ${FOLDER}/gantryd.js`,
      file(COMMAND, `#!/bin/sh\nexec ${FOLDER}/node ${FOLDER}/gantryd.js "$@"`, '755'),
    ].join('\n'),
    undo: `rm -rf ${FOLDER} ${COMMAND}`,
  });
  const join = uid === 0 ? [] : [either('usermod', `-aG gantry ${shellQuoted(user)}`, `addgroup ${shellQuoted(user)} gantry`)];
  steps.push({
    id: 'group',
    asRoot: true,
    script: [...(hasGroup ? [] : [either('groupadd', '-r gantry', 'addgroup -S gantry')]), ...join].join('\n') || 'true',
    ...(hasGroup ? {} : { undo: either('groupdel', 'gantry', 'delgroup gantry') }),
  });
  if (hasSystemd) {
    steps.push({
      id: 'service',
      asRoot: true,
      script: [
        file(`${UNITS}/gantry.socket`, units.socket, '644'),
        file(`${UNITS}/gantry.service`, unitHere(units.service), '644'),
        'systemctl daemon-reload',
        'systemctl enable --now gantry.socket gantry.service',
      ].join('\n'),
      undo: REMOVE_UNITS,
      timeoutMs: 120_000,
    });
  } else steps.push({ id: 'start', asRoot: true, script: START, undo: STOP });
  steps.push(verifyStep(facts), { id: 'cleanup', asRoot: false, script: `rm -rf ${staging}` });
  return steps;
}

const REMOVE_UNITS = `systemctl disable --now gantry.service gantry.socket || true\nrm -f ${UNITS}/gantry.service ${UNITS}/gantry.socket\nsystemctl daemon-reload`;

/** The new one beside the old, exchanged, started; containers run on. Kept until the new one answers. */
export function upgradePlan(input: PlanInput): PlannedStep[] {
  const { facts, staging, sizes, units } = input;
  const restart = facts.hasSystemd ? 'systemctl daemon-reload\nsystemctl restart gantry.service' : `${STOP}\n${START}`;
  const runtime = sizes.runtime > 0 ? [`install -m 755 ${staging}/node ${FOLDER}/node`] : [];
  const service = facts.hasSystemd ? [file(`${UNITS}/gantry.service`, unitHere(units.service), '644')] : [];
  const saved = facts.hasSystemd ? [`cp -p ${UNITS}/gantry.service ${FOLDER}.old/gantry.service`] : [];
  const restored = facts.hasSystemd ? [`mv -f ${FOLDER}/gantry.service ${UNITS}/gantry.service`] : [];
  return [
    uploadStep(input),
    {
      id: 'swap',
      asRoot: true,
      script: [
        `rm -rf ${FOLDER}.old`,
        `cp -a ${FOLDER} ${FOLDER}.old`,
        ...saved,
        ...runtime,
        `install -m 644 ${staging}/gantryd.js ${FOLDER}/gantryd.js`,
        ...service,
        restart,
      ].join('\n'),
      undo: [`rm -rf ${FOLDER}`, `mv ${FOLDER}.old ${FOLDER}`, ...restored, restart].join('\n'),
      timeoutMs: 180_000,
    },
    verifyStep(facts),
    { id: 'cleanup', asRoot: true, script: `rm -rf ${FOLDER}.old ${staging}` },
  ];
}

/** Ends or removes all containers through the engine's own API. */
const containers = (remove: boolean) => `${FOLDER}/node -e '
const http = require("http");
const ask = (method, path) => new Promise((resolve, reject) =>
  http.request({ socketPath: "${SOCKET}", method, path }, (answer) => {
    let text = "";
    answer.on("data", (part) => (text += part)).on("end", () => resolve(text));
  }).on("error", reject).end());
(async () => {
  const list = JSON.parse(await ask("GET", "/containers/json?all=${remove ? 1 : 0}"));
  for (const { Id } of list) await ask(${remove ? '"DELETE", "/containers/" + Id + "?force=1&v=1"' : '"POST", "/containers/" + Id + "/stop"'});${remove ? '\n  await ask("POST", "/networks/prune");' : ''}
})().catch((error) => { process.stderr.write(error.message + "\\n"); process.exitCode = 1; });
'`;

// A folder may be a disk of its own: then it stays, empty.
const REMOVE_DATA = `for folder in /var/lib/gantry /run/gantry /etc/gantry; do
  [ ! -d $folder ] || find $folder -xdev -mindepth 1 -delete
  rmdir $folder 2>/dev/null || true
done`;

/** @param keepData images, containers and volumes stay for another installation */
export function uninstallPlan(facts: Facts, keepData: boolean): PlannedStep[] {
  const stop = facts.hasSystemd ? REMOVE_UNITS : STOP;
  // What the engine leaves for its next start: its firewall table and its bridges.
  const network = [
    'nft list tables 2>/dev/null | awk \'$3 == "gantry" { print $2, $3 }\' | while read -r family name; do nft delete table $family $name; done',
    'ip link delete gantry0 2>/dev/null || true',
    'if command -v iptables >/dev/null && iptables -n -L GANTRY >/dev/null 2>&1; then iptables -D FORWARD -j GANTRY; iptables -F GANTRY; iptables -X GANTRY; fi',
  ];
  return [
    // Of an engine that does not answer there is nothing to end.
    {
      id: 'containers',
      asRoot: true,
      script: `[ ! -S ${SOCKET} ] || [ ! -x ${FOLDER}/node ] || ${containers(!keepData)}`,
      timeoutMs: 10 * 60_000,
    },
    { id: 'service', asRoot: true, script: `${stop}\n${network.join('\n')}`, timeoutMs: 120_000 },
    ...(keepData ? [] : [{ id: 'data' as const, asRoot: true, script: REMOVE_DATA, timeoutMs: 10 * 60_000 }]),
    { id: 'files', asRoot: true, script: `rm -rf ${FOLDER} ${FOLDER}.old ${COMMAND}` },
  ];
}
