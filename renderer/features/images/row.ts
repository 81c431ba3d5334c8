import type { Host } from '../../../electron/ipc/contract.ts';
import type { ContainerSummary, ImageSummary } from '../../../helper/contract/docker/index.ts';
import { shortId } from '../../lib/format.ts';

/** One tag of an image, or an image without any: what a user calls an image. */
export interface ImageRow {
  /** `HOST/ID/REFERENCE`. */
  key: string;
  host: Host;
  id: string;
  /** What commands take: the reference, or the short id of an image without tags. */
  reference: string;
  repository: string;
  tag: string;
  dangling: boolean;
  created: number;
  size: number;
  /** Names of containers made from it. */
  users: string[];
  /** Other names of the same image. */
  tags: string[];
}

export function imageRows(host: Host, images: ImageSummary[], containers: ContainerSummary[]): ImageRow[] {
  const users = new Map<string, string[]>();
  for (const container of containers)
    users.set(container.ImageID, [
      ...(users.get(container.ImageID) ?? []),
      container.Names?.[0]?.replace(/^\//, '') ?? shortId(container.Id),
    ]);
  return images.flatMap((image): ImageRow[] => {
    const tags = (image.RepoTags ?? []).filter((tag) => tag !== '<none>:<none>');
    const base = { host, id: image.Id, created: image.Created * 1000, size: image.Size, users: users.get(image.Id) ?? [], tags };
    if (tags.length === 0) {
      const repository = image.RepoDigests?.[0]?.split('@')[0] ?? '';
      return [
        {
          ...base,
          key: `${host.id}/${image.Id}/`,
          reference: shortId(image.Id),
          repository: repository === '<none>' ? '' : repository,
          tag: '',
          dangling: true,
        },
      ];
    }
    return tags.map((reference) => {
      const colon = reference.lastIndexOf(':');
      return {
        ...base,
        key: `${host.id}/${image.Id}/${reference}`,
        reference,
        repository: reference.slice(0, colon),
        tag: reference.slice(colon + 1),
        dangling: false,
      };
    });
  });
}

const compare: Record<string, (a: ImageRow, b: ImageRow) => number> = {
  name: (a, b) => a.repository.localeCompare(b.repository) || a.tag.localeCompare(b.tag, undefined, { numeric: true }),
  created: (a, b) => b.created - a.created,
  size: (a, b) => b.size - a.size,
  users: (a, b) => b.users.length - a.users.length,
  host: (a, b) => a.host.name.localeCompare(b.host.name),
  id: (a, b) => a.id.localeCompare(b.id),
};

export function sortImages(rows: ImageRow[], column: string, down: boolean): ImageRow[] {
  const name = compare.name as (a: ImageRow, b: ImageRow) => number;
  const by = compare[column] ?? name;
  return [...rows].sort((a, b) => Number(a.dangling) - Number(b.dangling) || (down ? -by(a, b) : by(a, b)) || name(a, b));
}
