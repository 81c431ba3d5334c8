import { containers, history, imageInspect, imageList, inspect } from './fixtures.ts';

interface Options {
  containers: number | undefined;
  slow: number;
  fail: string;
}

const json = (value: unknown, status = 200) => new Response(JSON.stringify(value), { status });
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A pull that takes four seconds, as an engine streams it. */
function pull(): Response {
  const layers = ['1f3e46996e29', '62f5b2a91c07', '8d1a52f0ab63', 'c7a0e1d2b944', 'e0b1cf55a3d8'];
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    async start(controller) {
      const say = (message: unknown) => controller.enqueue(encoder.encode(`${JSON.stringify(message)}\n`));
      say({ status: 'Pulling from library/nginx', id: '1.27' });
      for (const [i, id] of layers.entries()) say({ status: i === 4 ? 'Already exists' : 'Pulling fs layer', id });
      for (let step = 1; step <= 40; step++) {
        for (const [i, id] of layers.slice(0, 4).entries()) {
          const total = (i + 1) * 24_000_000;
          const current = Math.min(total, step * (i + 2) * 1_100_000);
          if (current < total) say({ status: 'Downloading', id, progressDetail: { current, total } });
          else
            say(step % 8 === 0 ? { status: 'Pull complete', id } : { status: 'Extracting', id, progressDetail: { current: total, total } });
        }
        await wait(150);
      }
      for (const id of layers) say({ status: 'Pull complete', id });
      controller.close();
    },
  });
  return new Response(stream);
}

/** Answers engine:// in place of the main process. */
export function installEngine(options: Options): void {
  const real = window.fetch.bind(window);
  const lists = new Map([0, 1, 2].map((host) => [['local', 'docker', 'nas'][host] ?? '', containers(options.containers, host)]));
  window.fetch = async (input, init) => {
    const url = String(input);
    const found = /^engine:\/\/([^/]+)(\/[^?]*)(.*)$/.exec(url);
    if (!found) return real(input, init);
    await wait(options.slow);
    const [, host = '', path = ''] = found;
    const list = lists.get(host) ?? [];
    if (path === '/containers/json')
      return options.fail === 'list' ? json({ message: 'layer store is read-only: input/output error' }, 500) : json(list);
    if (path === '/images/json')
      return options.fail === 'list'
        ? json({ message: 'layer store is read-only: input/output error' }, 500)
        : json(options.containers === 0 ? [] : imageList());
    if (path === '/images/create') return pull();
    if (path === '/volumes') return json({ Volumes: [{ Name: 'pgdata' }, { Name: 'cache' }] });
    if (path === '/containers/create') return json({ Id: 'ab'.repeat(32) }, 201);
    const container = /^\/containers\/([^/]+)\/(.*)$/.exec(path);
    const match = container && list.find((c) => c.Id.startsWith(container[1] ?? '') || c.Names[0] === `/${container[1]}`);
    if (container?.[2] === 'json') return match ? json(inspect(match)) : json({ message: `No such container: ${container[1]}` }, 404);
    if (container?.[2]?.startsWith('logs'))
      return new Response(
        new TextEncoder().encode('\u0001\0\0\0\0\0\0\u0047redis: background saving started\nfatal: cannot allocate 268435456 bytes\n'),
      );
    if (container?.[2] === 'start' && options.fail === 'start')
      return json(
        {
          message:
            'driver failed programming external connectivity on endpoint web: Bind for 0.0.0.0:8080 failed: port is already allocated',
        },
        500,
      );
    if (options.fail === 'action') return json({ message: 'cannot stop container: permission denied' }, 500);
    if (path.endsWith('/history')) return json(history);
    const image = /^\/images\/(.+)\/json$/.exec(path);
    if (image) {
      const data = imageInspect(decodeURIComponent(image[1] ?? ''));
      return data ? json(data) : json({ message: 'No such image' }, 404);
    }
    await wait(700);
    return new Response(null, { status: 204 });
  };
}
