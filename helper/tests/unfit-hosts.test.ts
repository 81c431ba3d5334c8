import { afterEach, describe, expect, it } from 'vitest';
import { BASE, onGantry, startEngine, type TestEngine } from './harness.ts';

/** What a host lacks is said where it is looked for: at the start, in `docker info`, at the container that needs it. */
describe.runIf(onGantry)('a host', { timeout: 30_000 }, () => {
  let engine: TestEngine | undefined;
  afterEach(async () => {
    await engine?.stop();
    engine = undefined;
  });

  it('whose data folder can have no writable layers is told so at the start', async () => {
    const overlay = 'mount -t overlay overlay -o "lowerdir=$FOLDER/o/l,upperdir=$FOLDER/o/u,workdir=$FOLDER/o/w" "$FOLDER/data"';
    const starting = startEngine({ image: false, before: `cd "$FOLDER"; mkdir -p data o/l o/u o/w; ${overlay}` });
    await expect(starting).rejects.toThrow(
      /data-root: containers can't run on .*\/data: overlayfs can have no writable layers on its file system \(overlay\): EINVAL\. Choose a folder/,
    );
  });

  it.each([
    ['nft', 'nftables'],
    ['ip', 'iproute2'],
  ])('without %s is told what to install', async (program, name) => {
    const hide = `for at in /usr/sbin /usr/bin; do [ ! -e $at/${program} ] || mount --bind /dev/null $at/${program}; done`;
    await expect(startEngine({ image: false, before: hide })).rejects.toThrow(`${program} is not installed: install the package "${name}"`);
  });

  it('whose /proc/sys is read-only runs what needs no settings, and says why it does not run the rest', async () => {
    engine = await startEngine({ before: 'mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys' });
    const { client, docker } = engine;
    const words = '/proc/sys is read-only for the engine (ProtectKernelTunables= in its unit';
    expect((await client.get('/info')).json.Warnings).toContainEqual(expect.stringContaining(words));
    expect(engine.log()).toContain(words);
    const refused = await docker(['run', '--rm', BASE, 'true']);
    expect(refused.stderr).toContain("failed to disable IPv6 on container's interface eth0: /proc/sys is read-only");
    for (const network of ['none', 'host']) {
      expect(await docker(['run', '--rm', '--network', network, BASE, 'echo', network])).toMatchObject({ code: 0, stdout: `${network}\n` });
    }
    await docker(['network', 'create', '--ipv6', '--subnet', 'fd4c:51::/64', 'six']);
    expect(await docker(['run', '--rm', '--network', 'six', BASE, 'echo', 'six'])).toMatchObject({ code: 0, stdout: 'six\n' });
    await docker(['network', 'rm', 'six']);
  });
});
