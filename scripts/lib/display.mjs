/** A virtual display of our own, for machines without a screen. Dependency-free. */
import { spawn } from 'node:child_process';
import { Stop } from './say.mjs';

/**
 * Starts Xvfb on a display number that is free (Xvfb picks it and says which).
 *
 * @returns { display, stop }: what goes into DISPLAY, and a function that ends it. It ends with this process, too.
 */
export async function virtualDisplay({ width = 1600, height = 1000 } = {}) {
  const child = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', `${width}x${height}x24`, '-nolisten', 'tcp', '-noreset'], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors = (errors + chunk).slice(-2000);
  });
  const stop = () => child.kill();
  process.on('exit', stop);
  const number = await new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Stop(`Xvfb could not be started: ${error.message}`)));
    child.on('exit', (code) => reject(new Stop(`Xvfb ended with code ${code}: ${errors}`)));
    let text = '';
    child.stdio[3].on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.trim());
    });
  });
  child.removeAllListeners('exit');
  child.unref();
  for (const stream of [child.stderr, child.stdio[3]]) stream.unref?.();
  return { display: `:${number}`, stop };
}
