import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, startEngine, type TestEngine } from '../harness.ts';

/** The machine's kernel has quotas, which the other hosts of the tests have not. */
describe('on a file system with project quotas', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine({ dataSize: '256M', quotas: true, config: { 'storage-opts': ['overlay2.size=24M'] } });
  });
  afterAll(() => engine?.stop());

  const write = (mebibytes: number) => `dd if=/dev/zero of=/file bs=1M count=${mebibytes} 2>&1 && echo written`;

  it('a container writes as much as --storage-opt says, and not more', async () => {
    const run = (script: string) => engine.docker(['run', '--name', 'small', '--storage-opt', 'size=8m', BASE, 'sh', '-c', script]);
    const { code, stdout } = await run(write(12));
    expect(stdout).toMatch(/No space left on device|Disk quota exceeded/);
    expect(code).not.toBe(0);
    expect((await engine.docker(['inspect', '-f', '{{json .HostConfig.StorageOpt}}', 'small'])).stdout).toBe('{"size":"8m"}\n');
    await engine.docker(['rm', 'small']);
    expect((await run(`${write(6)}; df -m / | awk 'NR == 2 { print "of", $2 }'`)).stdout).toMatch(/written\nof 8\n/);
    // Files of the image count when they are changed, folders that are renamed and what is deleted are none of its business.
    expect((await engine.docker(['commit', 'small', 'derived'])).code).toBe(0);
    const again = ['run', '--rm', '--storage-opt', 'size=4m', 'derived', 'sh', '-c'];
    expect((await engine.docker([...again, 'echo more >>/file'])).stderr).toMatch(/No space left on device|Disk quota exceeded/);
    expect((await engine.docker([...again, 'mkdir /a && touch /a/b && mv /a /c && rm /file && echo ok'])).stdout).toBe('ok\n');
    await engine.docker(['rm', 'small']);
    await engine.docker(['rmi', 'derived']);
  });

  it('those whose maker says nothing have the size of the configuration, two of them each their own', async () => {
    const names = ['one', 'two'];
    for (const name of names) {
      const { stdout } = await engine.docker(['run', '--name', name, BASE, 'sh', '-c', write(20)]);
      expect(stdout).toContain('written');
    }
    expect((await engine.docker(['run', '--rm', BASE, 'sh', '-c', write(30)])).code).not.toBe(0);
    expect((await engine.docker(['run', '--rm', '--storage-opt', 'size=0', BASE, 'sh', '-c', write(30)])).stdout).toContain('written');
    await engine.docker(['rm', ...names]);
  });

  it.each([
    ['bogus=1', 'Unknown option bogus'],
    ['size=much', "invalid size: 'much'"],
  ])('%s is refused, and leaves nothing', async (option, words) => {
    const { code, stderr } = await engine.docker(['create', '--storage-opt', option, BASE]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(words) });
    expect((await engine.docker(['ps', '-aq'])).stdout).toBe('');
  });
});
