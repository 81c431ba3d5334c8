/**
 * A line with a delay, without the kernel's help (sch_netem is not everywhere): what comes on one port goes on to another, later. A
 * process of its own, so that nobody's work delays it further.
 *
 *   node line.mjs PORT TARGET-PORT MS    MS there and back
 */
import { connect, createServer } from 'node:net';

const [port, target, ms] = process.argv.slice(2).map(Number);

/** Everything arrives half of the time later, in its order, its end included. */
function carry(from, to) {
  const later = (action) => setTimeout(action, ms / 2);
  from.on('data', (data) => later(() => to.writable && to.write(data)));
  from.on('end', () => later(() => to.end()));
  from.on('error', () => later(() => to.destroy()));
  from.on('close', () => later(() => to.destroy()));
}

createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
  const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  carry(near, far);
  carry(far, near);
}).listen(port, '127.0.0.1');
