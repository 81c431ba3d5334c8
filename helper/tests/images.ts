/** Image archives and registries' contents of tests, made by hand so that they can lie. */
import { createHash } from 'node:crypto';
import { tarOf } from '../store/tar/fixture.ts';

export const digestOf = (data: Buffer | string): string => `sha256:${createHash('sha256').update(data).digest('hex')}`;

export const HERE = process.arch === 'arm64' ? 'arm64' : 'amd64';

/** The config of an image of these (uncompressed) layers. */
export function configOf(layers: Buffer[], more: Record<string, unknown> = {}): Buffer {
  return Buffer.from(
    JSON.stringify({
      architecture: HERE,
      os: 'linux',
      created: '2026-01-02T03:04:05Z',
      config: { Cmd: ['/bin/sh'] },
      rootfs: { type: 'layers', diff_ids: layers.map(digestOf) },
      ...more,
    }),
  );
}

/** As `docker save` writes it. @param packed what lies in the archive for each layer; default: the layer as it is */
export function savedImage(
  name: string,
  layers: Buffer[],
  { packed = layers, config = configOf(layers) }: { packed?: Buffer[]; config?: Buffer } = {},
): Buffer {
  const entry = { Config: 'config.json', RepoTags: [name], Layers: layers.map((_, at) => `${at}/layer.tar`) };
  return tarOf([
    ...packed.map((data, at) => ({ name: `${at}/layer.tar`, data })),
    { name: 'config.json', data: config },
    { name: 'manifest.json', data: Buffer.from(JSON.stringify([entry])) },
  ]);
}
