/** Words on the terminal. All scripts print through here, so that they look alike. Dependency-free. */

const colour = process.stderr.isTTY && process.env.NO_COLOR === undefined;
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);

export const bold = (text) => paint(1, text);
export const dim = (text) => paint(2, text);
export const green = (text) => paint(32, text);
export const red = (text) => paint(31, text);
export const yellow = (text) => paint(33, text);

/** One line of progress, on stderr: stdout belongs to results. */
export function say(text) {
  process.stderr.write(`${dim('gantry')} ${text}\n`);
}

/** Ends the script with words for the user and no stack. */
export class Stop extends Error {}

/**
 * Runs a script's main function: a Stop ends it with its message and code 1, anything else with its stack.
 *
 * @param main  async function without arguments
 */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    process.stderr.write(error instanceof Stop ? `${red('gantry')} ${error.message}\n` : `${error?.stack ?? error}\n`);
    process.exit(1);
  }
}

/** Seconds with one decimal since `start` (performance.now()). */
export const since = (start) => `${((performance.now() - start) / 1000).toFixed(1)} s`;
