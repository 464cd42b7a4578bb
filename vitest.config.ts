import { randomInt } from 'node:crypto';
import { defineConfig } from 'vitest/config';
import { vitePage } from './scripts/page.js';

// A failing random test is repeated with the seed that its run printed.
process.env['BANKCTL_TEST_SEED'] ??= String(randomInt(2 ** 31));
process.stderr.write(`BANKCTL_TEST_SEED=${process.env['BANKCTL_TEST_SEED']}\n`);

export default defineConfig({
  plugins: [vitePage],
  test: {
    include: ['test/**/*.test.ts'],
    // A program that a test starts remembers nothing at the home of whoever runs the tests.
    env: { XDG_STATE_HOME: '/dev/null' },
    globalSetup: ['test/server.ts'],
    setupFiles: ['test/seed.ts'],
    testTimeout: 90_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    pool: 'forks',
    passWithNoTests: false,
  },
});
