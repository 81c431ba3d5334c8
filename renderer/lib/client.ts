import { QueryClient } from '@tanstack/react-query';
import { EngineError } from './engine.ts';

/** Query keys: everything of a host begins with ['host', id], so that one call refreshes it. */
export const keys = {
  hosts: ['hosts'] as const,
  leaving: ['leaving'] as const,
  transfers: ['transfers'] as const,
  batches: ['batches'] as const,
  host: (host: string) => ['host', host] as const,
  info: (host: string) => ['host', host, 'info'] as const,
  containers: (host: string) => ['host', host, 'containers'] as const,
  container: (host: string, id: string) => ['host', host, 'container', id] as const,
  images: (host: string) => ['host', host, 'images'] as const,
  image: (host: string, id: string) => ['host', host, 'image', id] as const,
  imageHistory: (host: string, id: string) => ['host', host, 'image', id, 'history'] as const,
  volumes: (host: string) => ['host', host, 'volumes'] as const,
  /** What they take, which only measuring tells: apart, so that an event does not measure anew. */
  volumeSizes: (host: string) => ['host', host, 'volume-sizes'] as const,
  networks: (host: string) => ['host', host, 'networks'] as const,
  gantry: (host: string) => ['host', host, 'gantry'] as const,
  bin: (host: string) => ['host', host, 'bin'] as const,
};

/** Events say what is stale, so nothing polls and nothing refetches by itself. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 10 * 60_000,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      networkMode: 'always',
      retryDelay: 300,
      retry: (count, error) => count < 1 && error instanceof EngineError && error.status >= 500 && !error.connection,
    },
    mutations: { networkMode: 'always' },
  },
});
