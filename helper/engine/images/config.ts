import type { ContainerConfig } from '../../contract/docker/index.ts';

/** What an image says of its containers; builders before 2023 stored a whole container's config there. */
const FIELDS = [
  ...['User', 'ExposedPorts', 'Env', 'Entrypoint', 'Cmd', 'Volumes', 'WorkingDir', 'Labels', 'StopSignal'],
  ...['Healthcheck', 'OnBuild', 'Shell', 'ArgsEscaped'],
] as const;

/** The `Config` of an image as the API shows it. Source: OCI image config, and Docker's additions to it */
export function imageConfig(config: ContainerConfig = {}): ContainerConfig {
  return Object.fromEntries(Object.entries(config).filter(([field]) => (FIELDS as readonly string[]).includes(field)));
}
