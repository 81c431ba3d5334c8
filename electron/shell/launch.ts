/** What the command line and the environment say. Tests and scripts use the environment, users the arguments. */
export interface Launch {
  demo: boolean;
  /** Where settings and logs lie; for tests. */
  userData: string | undefined;
  helper: {
    socket: string;
    data: string;
    run: string;
    /** A socket was named without folders: a helper that somebody else runs. */
    attachOnly: boolean;
  };
  /** A Node to run the helper with, instead of Electron itself. */
  node: string | undefined;
  starter: string | undefined;
}

export function readLaunch(argv: readonly string[], env: NodeJS.ProcessEnv): Launch {
  const option = (name: string) => argv.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
  const socket = option('socket') || env.GANTRY_SOCKET || undefined;
  const data = env.GANTRY_DATA || undefined;
  const run = env.GANTRY_RUN || undefined;
  return {
    demo: argv.includes('--demo'),
    userData: env.GANTRY_USER_DATA || undefined,
    helper: {
      socket: socket ?? (run ? `${run}/gantry.sock` : '/run/gantry/gantry.sock'),
      data: data ?? '/var/lib/gantry',
      run: run ?? '/run/gantry',
      attachOnly: socket !== undefined && data === undefined && run === undefined && socket !== '/run/gantry/gantry.sock',
    },
    node: env.GANTRY_NODE || undefined,
    starter: env.GANTRY_STARTER || undefined,
  };
}
