import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/**
 * Four kinds of tests, each started by name (`npx vitest run --project unit`):
 *
 * unit    beside the code: decisions and formats, no privileges
 * engine  helper/tests: through the API on the running helper, as root, one file after the other
 * e2e     e2e: through the real window under a virtual display, as root, one after the other
 * vm      e2e/*.vm.ts: through the window on a virtual machine (npm run test:vm)
 */
/** What needs systemd, cgroup v2 or a distribution's kernel runs in the virtual machine only (npm run test:vm). */
const inMachine =
  // Firewalls and other engines as services take seven minutes there: not in the short form.
  { whole: [], short: ['helper/tests/machine/services/**'] }[process.env.GANTRY_TEST_MACHINE ?? ''] ?? ['helper/tests/machine/**'];
const serial = { fileParallelism: false, maxWorkers: 1, retry: 0 } as const;

export default defineConfig({
  plugins: [react()],
  test: {
    // Values in the messages of failures as long as it takes to see what was wrong: the end of a log holds only the messages.
    chaiConfig: { truncateThreshold: 600 },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{electron,helper,renderer,scripts,bench}/**/*.test.{ts,tsx,mjs}'],
          exclude: ['**/node_modules/**', 'helper/tests/**'],
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'engine',
          include: ['helper/tests/**/*.test.ts'],
          globalSetup: ['helper/tests/test-run.ts'],
          exclude: inMachine,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          ...serial,
        },
      },
      {
        extends: true,
        test: { name: 'vm', include: ['e2e/**/*.vm.ts'], testTimeout: 1_200_000, hookTimeout: 600_000, ...serial },
      },
      {
        extends: true,
        test: { name: 'e2e', include: ['e2e/**/*.e2e.ts'], testTimeout: 300_000, hookTimeout: 180_000, ...serial },
      },
    ],
  },
});
