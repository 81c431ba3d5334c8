import type { Containers } from '../containers/types.ts';
import type { EngineContext } from '../context.ts';
import type { Images } from '../images/types.ts';
import type { Networks } from '../networks/types.ts';
import type { Volumes } from '../volumes/types.ts';

/** What copies are made of. */
export interface CopyParts {
  context: EngineContext;
  containers: Containers;
  images: Images;
  networks: Networks;
  volumes: Volumes;
}
