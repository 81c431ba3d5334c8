import { describe, expect, it } from 'vitest';
import { dispensable } from './host.ts';
import { parseMountInfo } from './mountinfo.ts';

/** `id parent target [optional fields]` → what of them the engine leaves. */
function left(lines: string[], used: string[] = [], own: string[] = []): string[] {
  const table = lines.map((line) => {
    const [id, parent, target, ...optional] = line.split(' ');
    return `${id} ${parent} 0:1 / ${target} rw ${optional.map((field) => `${field} `).join('')}- ext4 disk rw`;
  });
  return dispensable(parseMountInfo(table.join('\n')), used, own).map(({ id, target }) => `${id} ${target}`);
}

describe('mounts that the engine leaves to the host', () => {
  const host = [
    ...['1 0 /', '2 1 /proc', '3 1 /usr', '4 3 /usr/share/fonts', '5 1 /run', '6 5 /run/user/1000', '7 1 /home', '8 1 /mnt/usb'],
    ...['9 8 /mnt/usb/inner', '10 1 /var/lib', '11 10 /var/lib/docker/overlay2/x/merged', '12 1 /srv', '13 1 /dev', '14 13 /dev/pts'],
  ];

  it('are those of users and of other engines, the inner ones first', () => {
    const usb = ['9 /mnt/usb/inner', '8 /mnt/usb'];
    expect(left(host)).toEqual(['12 /srv', '11 /var/lib/docker/overlay2/x/merged', ...usb, '7 /home', '6 /run/user/1000']);
  });

  it('are none that it uses: those of its files with all above them, of its folders with all below, too', () => {
    expect(left(host, ['/home/me/node', '/mnt/usb/inner/gantryd.js'])).toEqual([
      ...['12 /srv', '11 /var/lib/docker/overlay2/x/merged', '6 /run/user/1000'],
    ]);
    expect(left(['1 0 /', '2 1 /srv/data', '3 2 /srv/data/volumes', '4 2 /srv/data-of-another'], [], ['/srv/data'])).toEqual([
      '4 /srv/data-of-another',
    ]);
    expect(left(['1 0 /', '2 1 /srv', '3 2 /srv'], ['/srv/x'])).toEqual([]);
    expect(left(['1 0 /', '2 1 /srv', '3 2 /srv'])).toEqual(['3 /srv', '2 /srv']);
  });

  it('are none that come and go with the host’s', () => {
    expect(left(['1 0 / shared:1', '2 1 /mnt/usb shared:2'])).toEqual([]);
    expect(left(['1 0 / master:1', '2 1 /mnt/usb'])).toEqual([]);
    expect(left(['1 0 /', '2 1 /mnt shared:2', '3 2 /mnt/usb shared:3'])).toEqual(['2 /mnt']);
  });
});
