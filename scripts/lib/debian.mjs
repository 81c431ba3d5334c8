/** Debian packages: what is missing, and installing it with root's rights. Dependency-free. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { userCache } from './paths.mjs';
import { ask, isRoot, run, which } from './run.mjs';
import { Stop, say, yellow } from './say.mjs';

const names = (entry) => entry.name.split('|');

/** The entries of which no alternative is installed. */
function missingByDpkg(entries) {
  const all = entries.flatMap(names);
  // dpkg-query exits 1 when it does not know one of them, and still prints the others.
  const listed = ask('sh', ['-c', 'dpkg-query -W -f \'${Package} ${db:Status-Status}\\n\' "$@" 2>/dev/null; true', 'sh', ...all]) ?? '';
  const installed = new Set(
    listed
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([, status]) => status === 'installed')
      .map(([name]) => name),
  );
  return entries.filter((entry) => !names(entry).some((name) => installed.has(name)));
}

/** On other systems: the entries whose program or library is not found. */
function missingByProbe(entries) {
  const libraries = ask(which('ldconfig') ?? 'ldconfig', ['-p']) ?? '';
  return entries.filter(({ program, library }) => (program && !which(program)) || (library && !libraries.includes(library)));
}

const hasDpkg = () => which('dpkg-query') !== undefined && which('apt-get') !== undefined;

// Optional packages that this release does not have, or every start would look for them again.
const unavailableFile = join(userCache, 'unavailable-packages');
const rememberMs = 7 * 24 * 3600_000;
function knownUnavailable() {
  if (!existsSync(unavailableFile) || Date.now() - statSync(unavailableFile).mtimeMs > rememberMs) return [];
  return readFileSync(unavailableFile, 'utf8').split('\n');
}
function rememberUnavailable(entries) {
  mkdirSync(userCache, { recursive: true });
  writeFileSync(unavailableFile, entries.map((entry) => `${entry.name}\n`).join(''));
}

/** @returns the entries (see packages.mjs) that are not on this system and may be had */
export function missingPackages(entries) {
  const missing = hasDpkg() ? missingByDpkg(entries) : missingByProbe(entries);
  const unavailable = missing.some((entry) => entry.optional) ? knownUnavailable() : [];
  return missing.filter((entry) => !(entry.optional && unavailable.includes(entry.name)));
}

/** How a command gets root's rights here: a prefix for its arguments, or undefined if there is no way. */
export function rootPrefix() {
  if (isRoot) return [];
  if (which('sudo') && (process.stdin.isTTY || ask('sudo', ['-n', 'true']) !== undefined)) return ['sudo'];
  if (which('pkexec') && (process.env.DISPLAY || process.env.WAYLAND_DISPLAY)) return ['pkexec'];
  return undefined;
}

// Services of the packages (dockerd, sshd, a registry) are not to start here: policy-rc.d forbids it, and is taken away afterwards.
const installScript = `
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\\nexit 101\\n' >$policy && chmod 755 $policy && trap 'rm -f $policy' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends install "$@"
`;

const asRoot = (prefix, command, args, options) =>
  run(prefix[0] ?? command, [...prefix.slice(1), ...(prefix.length > 0 ? [command] : []), ...args], options);

/**
 * Installs packages, saying which and why.
 *
 * @param missing  entries of packages.mjs
 * @param why      in words, for the user who is asked for a password
 * @throws Stop when one that is not optional can't be had; the message names it and what to run
 */
export async function installPackages(missing, why) {
  const wanted = (entries) => entries.map((entry) => names(entry)[0]).join(' ');
  const required = missing.filter((entry) => !entry.optional);
  if (!hasDpkg()) {
    if (required.length === 0) return;
    throw new Stop(
      `These are missing, for ${why}: ${wanted(required)} (Debian's names). Install them with your system's package manager and try again.`,
    );
  }
  const prefix = rootPrefix();
  if (prefix === undefined) {
    if (required.length === 0) return;
    throw new Stop(
      `These packages are missing, for ${why}: ${wanted(required)}\nThere is no way to get root's rights here (no sudo, no pkexec). As root, run:\n\n  apt-get install ${wanted(missing)}\n`,
    );
  }
  say(`installing ${wanted(missing)}: ${why}${prefix.length > 0 ? ` (${prefix[0]} may ask for your password)` : ''}`);
  const interactive = prefix.length > 0 ? { stdio: ['inherit', 'pipe', 'inherit'] } : {};
  const update = await asRoot(prefix, 'apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', 'update'], { quiet: true, ...interactive });
  if (update.code !== 0) say(yellow(`apt-get update failed; trying with the lists there are\n${update.error}`));
  const chosen = missing.map((entry) => ({ entry, name: names(entry).find(isAvailable) }));
  const unknown = chosen.filter(({ name, entry }) => name === undefined && !entry.optional).map(({ entry }) => entry);
  if (unknown.length > 0) throw new Stop(`This system has no package for ${why}: ${wanted(unknown)}`);
  const skipped = chosen.filter(({ name }) => name === undefined).map(({ entry }) => entry);
  if (skipped.length > 0) {
    rememberUnavailable(skipped);
    say(yellow(`not available here, so what uses them is skipped: ${wanted(skipped)}`));
  }
  const packages = chosen.map(({ name }) => name).filter((name) => name !== undefined);
  if (packages.length === 0) return;
  const install = await asRoot(prefix, 'sh', ['-c', installScript, 'sh', ...packages], { quiet: true, ...interactive });
  if (install.code !== 0)
    throw new Stop(`apt-get install failed:\n${install.output.slice(-4000)}\nTry it yourself: apt-get install ${packages.join(' ')}`);
}

/** Whether apt can install it: apt-cache knows names of packages that exist only as somebody's dependency, too. */
function isAvailable(name) {
  const policy = ask('apt-cache', ['policy', name], { env: { ...process.env, LC_ALL: 'C' } }) ?? '';
  return /Candidate: (?!\(none\))/.test(policy);
}
