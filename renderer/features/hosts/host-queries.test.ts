import { expect, it } from 'vitest';
import type { DiskUsage } from '../../../helper/contract/docker/index.ts';
import { usageOf } from './host-queries.ts';

it('adds up what an engine’s things take; what is not known counts nothing', () => {
  const usage = {
    LayersSize: 5000,
    Images: [{ Size: 9000 }, { Size: 8000 }],
    Containers: [{ SizeRw: 10 }, {}],
    Volumes: [{ UsageData: { Size: 300, RefCount: 1 } }, { UsageData: { Size: -1, RefCount: -1 } }, {}],
    BuildCache: [{ Size: 7 }, null],
  } as unknown as DiskUsage;
  expect(usageOf(usage)).toEqual({ images: 5000, containers: 10, volumes: 300, cache: 7, total: 5317 });
});

it('of an engine that gives no sum of its layers, the images; of one that gives nothing, nothing', () => {
  expect(usageOf({ LayersSize: 0, Images: [{ Size: 9000 }] as DiskUsage['Images'] })).toMatchObject({ images: 9000, total: 9000 });
  expect(usageOf({ Images: null } as unknown as DiskUsage)).toMatchObject({ total: 0 });
});
