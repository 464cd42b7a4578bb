import { defineConfig } from 'vitest/config';
import { vitePage } from './scripts/page.js';

/** `npm run test:browser`: the reports, in a real Chromium. */
export default defineConfig({
  plugins: [vitePage],
  test: {
    include: ['test/browser/**/*.browser.ts'],
    globalSetup: ['test/browser/chromium.ts', 'test/server.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
    pool: 'forks',
    passWithNoTests: false,
  },
});
