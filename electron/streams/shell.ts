/**
 * Finds a shell inside the container in one exec: bash, else ash, else sh. `sh` replaces itself, so nothing is left in between.
 * A UTF-8 locale is set only where the image chose none: without one, line editing takes Chinese text apart.
 */
export const SHELL_COMMAND = [
  'sh',
  '-c',
  '[ -n "$LANG$LC_ALL$LC_CTYPE" ] || export LANG=C.UTF-8; for s in bash ash; do command -v $s >/dev/null 2>&1 && exec $s; done; exec sh',
];
/** When there is no `sh` on the PATH: what else images bring. */
export const OTHER_SHELLS = [['bash'], ['ash'], ['busybox', 'sh'], ['/busybox/sh']];

export const SHELL_ENV = ['TERM=xterm-256color', 'COLORTERM=truecolor'];

/** Exit codes of an exec whose program could not be started (126 not executable, 127 not found). */
export function isNoProgram(exitCode: number | null): boolean {
  return exitCode === 126 || exitCode === 127;
}
