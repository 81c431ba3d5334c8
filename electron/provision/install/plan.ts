import type { InstallStep } from '../../ipc/contract.ts';
import { shellQuoted } from '../../ssh/index.ts';
import { COMMAND, type Facts, FOLDER, MARKER } from './check.ts';
import { installPackages, missingPackages, removePackages } from './packages.ts';
import { askVersion, endContainers, SOCKET } from './programs.ts';

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

const UNITS = '/etc/systemd/system';
const PID_FILE = '/run/gantry/gantryd.pid';
const LOG = '/var/log/gantryd.log';
const PACKAGES_MS = 15 * 60_000;

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

/** What the engine said when it did not start. */
const JOURNAL = '{ journalctl -q -u gantry.service -n 20 --no-pager -o cat >&2; exit 1; }';

/** Then, and only then, it counts as installed. */
function verifyStep({ hasSystemd }: Facts, done: string[] = []): PlannedStep {
  const log = hasSystemd ? JOURNAL : `{ tail -n 20 ${LOG} >&2; exit 1; }`;
  const script = `${askVersion(hasSystemd ? undefined : PID_FILE)} || ${log}`;
  return { id: 'verify', asRoot: true, script: [script, ...done].join('\n'), timeoutMs: 120_000 };
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
const REMOVE_GROUP = `! grep -q '^gantry:' /etc/group || ${either('groupdel', 'gantry', 'delgroup gantry')}`;

const REMOVE_UNITS = `systemctl disable --now gantry.service gantry.socket || true
rm -f ${UNITS}/gantry.service ${UNITS}/gantry.socket
systemctl daemon-reload`;
// A folder may be a disk of its own: then it stays, empty.
const REMOVE_DATA = `for folder in /var/lib/gantry /run/gantry /etc/gantry; do
  [ ! -d $folder ] || find $folder -xdev -mindepth 1 -delete
  rmdir $folder 2>/dev/null || true
done`;
// What the engine leaves for its next start: its firewall table and its bridges.
const REMOVE_NETWORK = `nft list tables 2>/dev/null | awk '$3 == "gantry" { print $2, $3 }' | while read -r family name; do nft delete table $family $name; done
ip link delete gantry0 2>/dev/null || true
if command -v iptables >/dev/null && iptables -n -L GANTRY >/dev/null 2>&1; then iptables -D FORWARD -j GANTRY; iptables -F GANTRY; iptables -X GANTRY; fi`;

/** Whoever is in it may use the socket, and is as good as root. */
function groupStep({ user, uid, groups, hasGroup }: Facts): PlannedStep[] {
  const who = shellQuoted(user);
  const joins = uid !== 0 && !groups.includes('gantry');
  const script = [
    ...(hasGroup ? [] : [either('groupadd', '-r gantry', 'addgroup -S gantry')]),
    ...(joins ? [either('usermod', `-aG gantry ${who}`, `addgroup ${who} gantry`)] : []),
  ];
  const undo = hasGroup ? (joins ? either('gpasswd', `-d ${who} gantry`, `delgroup ${who} gantry`) : undefined) : REMOVE_GROUP;
  return script.length === 0 ? [] : [{ id: 'group', asRoot: true, script: script.join('\n'), ...(undo !== undefined && { undo }) }];
}

function startStep({ facts: { hasSystemd, hasData }, units }: PlanInput): PlannedStep {
  const undo = [hasSystemd ? REMOVE_UNITS : STOP, REMOVE_NETWORK, ...(hasData ? [] : [REMOVE_DATA])].join('\n');
  if (!hasSystemd) return { id: 'start', asRoot: true, script: `${STOP}\n${START}`, undo };
  const script = [
    // One that another installation left half done.
    'systemctl stop gantry.service gantry.socket 2>/dev/null || true',
    file(`${UNITS}/gantry.socket`, units.socket, '644'),
    file(`${UNITS}/gantry.service`, unitHere(units.service), '644'),
    'systemctl daemon-reload',
    `systemctl enable --now gantry.socket gantry.service || ${JOURNAL}`,
  ].join('\n');
  return { id: 'service', asRoot: true, script, undo, timeoutMs: 120_000 };
}

export function installPlan(input: PlanInput): PlannedStep[] {
  const { facts, staging } = input;
  const { manager, hasGroup } = facts;
  const packages = manager ? missingPackages(facts, manager).join(' ') : '';
  const steps: PlannedStep[] = [];
  if (manager && packages !== '') {
    steps.push({
      id: 'packages',
      asRoot: true,
      script: installPackages(manager, packages),
      undo: removePackages(manager, packages),
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
      `${COMMAND} --version`,
    ].join('\n'),
    undo: `rm -rf ${FOLDER} ${COMMAND}`,
  });
  steps.push(...groupStep(facts));
  steps.push(startStep(input));
  const marker = `echo "$(date -u +%FT%TZ)${hasGroup ? '' : ' group'}" >${MARKER}`;
  steps.push(verifyStep(facts, [marker]), { id: 'cleanup', asRoot: false, script: `rm -rf ${staging}` });
  return steps;
}

/** The new one beside the old, exchanged, started; containers run on. Kept until the new one answers. */
export function upgradePlan(input: PlanInput): PlannedStep[] {
  const { facts, staging, sizes, units } = input;
  // An engine that did not start was tried so often that systemd would try no more.
  const again = 'systemctl daemon-reload\nsystemctl reset-failed gantry.service gantry.socket || true\nsystemctl restart gantry.service';
  const restart = facts.hasSystemd ? `${again} || ${JOURNAL}` : `${STOP}\n${START}`;
  const runtime = sizes.runtime > 0 ? [`install -m 755 ${staging}/node ${FOLDER}/node`] : [];
  const service = facts.hasSystemd ? [file(`${UNITS}/gantry.service`, unitHere(units.service), '644')] : [];
  const saved = facts.hasSystemd ? [`cp -p ${UNITS}/gantry.service ${FOLDER}.saving/gantry.service`] : [];
  const restored = facts.hasSystemd ? [`mv -f ${FOLDER}/gantry.service ${UNITS}/gantry.service`] : [];
  return [
    uploadStep(input),
    {
      id: 'swap',
      asRoot: true,
      script: [
        `rm -rf ${FOLDER}.old ${FOLDER}.saving`,
        `cp -al ${FOLDER} ${FOLDER}.saving`,
        ...saved,
        `mv ${FOLDER}.saving ${FOLDER}.old`,
        ...runtime,
        `install -m 644 ${staging}/gantryd.js ${FOLDER}/gantryd.js`,
        ...service,
        restart,
      ].join('\n'),
      undo: [`[ -d ${FOLDER}.old ] || exit 0`, `rm -rf ${FOLDER}`, `mv ${FOLDER}.old ${FOLDER}`, ...restored, restart].join('\n'),
      timeoutMs: 180_000,
    },
    verifyStep(facts),
    { id: 'cleanup', asRoot: true, script: `rm -rf ${FOLDER}.old ${staging}` },
  ];
}

/** The engine's native part, which each user who ran it has unpacked for themselves (scripts/lib/koffi-native.mjs). */
const UNPACKED = ['/run', '/run/user/*', '/var/cache', '/tmp'].map((folder) => `${folder}/gantry-[0-9]*-[0-9a-f]*`).join(' ');

/** @param keepData images, containers and volumes stay for another installation */
export function uninstallPlan(facts: Facts, keepData: boolean): PlannedStep[] {
  const stop = facts.hasSystemd ? REMOVE_UNITS : STOP;
  return [
    {
      id: 'containers',
      asRoot: true,
      script: `[ ! -S ${SOCKET} ] || [ ! -x ${FOLDER}/node ] || ${endContainers(!keepData)}`,
      timeoutMs: 10 * 60_000,
    },
    { id: 'stop', asRoot: true, script: `${stop}\n${REMOVE_NETWORK}`, timeoutMs: 120_000 },
    ...(keepData ? [] : [{ id: 'data' as const, asRoot: true, script: REMOVE_DATA, timeoutMs: 10 * 60_000 }]),
    {
      id: 'remove',
      asRoot: true,
      script: [
        `rm -rf ${FOLDER} ${FOLDER}.old ${FOLDER}.saving ${COMMAND} ${LOG} ${UNPACKED}`,
        ...(facts.madeGroup ? [REMOVE_GROUP] : []),
      ].join('\n'),
    },
  ];
}
