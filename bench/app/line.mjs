/**
 * A line with a delay and a rate, without the kernel's help (sch_netem is not everywhere): what comes on one port goes on to another,
 * later. A process of its own, so that nobody's work delays it further. It says its port when it listens.
 *
 *   node line.mjs PORT TARGET-PORT MS [MBIT]    PORT 0: any; MS there and back; MBIT a second, each way
 */
import { connect, createServer } from 'node:net';

const [port, target, ms, mbit = 0] = process.argv.slice(2).map(Number);
/** Of a slow line: no more than this waits in it, as in a router. */
const QUEUE_BYTES = 64 * 1024;

/** Everything arrives half of the time later, in its order, its end included. */
function carry(from, to) {
  let free = 0;
  let waiting = 0;
  /** What is under way: when it arrives, and what is done then. One timer for all: timers of their own may overtake each other. */
  const underWay = [];
  let isWaiting = false;
  const wait = () => {
    if (isWaiting || underWay.length === 0) return;
    isWaiting = true;
    setTimeout(arrive, underWay[0].at - performance.now());
  };
  const arrive = () => {
    isWaiting = false;
    while (underWay.length > 0 && underWay[0].at <= performance.now()) underWay.shift().action();
    wait();
  };
  const after = (bytes, action) => {
    free = Math.max(performance.now(), free) + (mbit > 0 ? (bytes * 8) / (mbit * 1000) : 0);
    underWay.push({ at: free + ms / 2, action });
    wait();
  };
  from.on('data', (data) => {
    waiting += data.length;
    if (mbit > 0 && waiting > QUEUE_BYTES) from.pause();
    after(data.length, () => {
      waiting -= data.length;
      if (waiting <= QUEUE_BYTES) from.resume();
      if (to.writable) to.write(data);
    });
  });
  from.on('end', () => after(0, () => to.end()));
  from.on('error', () => to.destroy());
  from.on('close', () => after(0, () => to.destroy()));
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
  const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  carry(near, far);
  carry(far, near);
});
server.listen(port, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
